"""The proving robot, as a process: it lays out episodes, tells simulated time, and looks into the bins."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from rclpy.qos import qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from trunnion_interfaces.srv import LayOutEpisode

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import CellSettings, proving_nodes
from trunnion_sim.scenarios import Scenario, draw_task

SPEED = 2.0
LATE = Scenario(name="late", episodes=3, parts=(2, 2), latency_ms=400.0)
BLIND = Scenario(name="blind", episodes=3, dropped_frames=0.999)


def seconds(stamp: Any) -> float:
    return stamp.sec + stamp.nanosec / 1e9


@pytest.fixture(scope="module")
def node(start_cell: Callable[..., Cell], bundle_file: Path) -> Cell:
    robot, *_ = proving_nodes(CellSettings(bundle=str(bundle_file), data_dir="/none"), SPEED)
    return start_cell(robot)


@pytest.fixture(scope="module")
def lay_out(graph: Any, node: Cell) -> Callable[..., LayOutEpisode.Response]:
    def ask(scenario: Scenario | str, seed: int = 200_000) -> LayOutEpisode.Response:
        text = scenario if isinstance(scenario, str) else scenario.model_dump_json()
        request = LayOutEpisode.Request(scenario=text, seed=seed)
        return graph.call(LayOutEpisode, "simulated_robot/lay_out_episode", request)

    return ask


@pytest.fixture
def hear_newest(graph: Any) -> Callable[[], dict[str, Any]]:
    clocks = graph.hear(Clock, "/clock", qos_profile_sensor_data)
    poses = graph.hear(PoseStamped, "current_pose", qos_profile_sensor_data)
    images = graph.hear(Image, "camera/image_raw", qos_profile_sensor_data)
    return lambda: {"clocks": clocks, "poses": poses, "images": images}


def test_the_order_is_the_one_that_the_proof_draws(lay_out: Any, cell_layout: Any) -> None:
    answer = lay_out(LATE, 200_001)
    task = draw_task(LATE, cell_layout, np.random.default_rng(200_001))
    assert answer.ok, answer.message
    assert dict(zip(answer.parts, answer.quantities, strict=True)) == task.order
    assert answer.bin == task.bin


def test_simulated_time_goes_on_at_its_speed_and_stamps_are_of_it(
    graph: Any, lay_out: Any, hear_newest: Any
) -> None:
    lay_out(BLIND)
    heard = hear_newest()
    graph.until(lambda: heard["clocks"] and heard["poses"], "time")
    first_s, began_s = seconds(heard["clocks"][-1].clock), time.monotonic()
    time.sleep(2.0)
    simulated_s, real_s = seconds(heard["clocks"][-1].clock) - first_s, time.monotonic() - began_s
    # Never faster; slower where the machine is busy.
    assert 0.2 < simulated_s <= SPEED * (real_s + 0.3)
    assert seconds(heard["poses"][-1].header.stamp) == pytest.approx(
        seconds(heard["clocks"][-1].clock), abs=0.5
    )


def test_a_late_scenario_makes_states_late(graph: Any, lay_out: Any, hear_newest: Any) -> None:
    lay_out(LATE)
    heard = hear_newest()
    graph.until(lambda: heard["poses"], "a pose", 20.0)
    time.sleep(1.0)
    late_s = seconds(heard["clocks"][-1].clock) - seconds(heard["poses"][-1].header.stamp)
    assert late_s == pytest.approx(0.4, abs=0.15)


def test_lost_frames_do_not_come(graph: Any, lay_out: Any, hear_newest: Any) -> None:
    heard = hear_newest()
    graph.until(lambda: heard["images"], "a picture")
    lay_out(BLIND)
    time.sleep(0.5)
    before = len(heard["images"])
    time.sleep(1.5)
    assert len(heard["images"]) <= before + 1


def test_the_verdict_names_what_is_missing(graph: Any, lay_out: Any) -> None:
    answer = lay_out(LATE, 200_002)
    verdict = graph.call(Trigger, "simulated_robot/verdict", Trigger.Request())
    assert not verdict.success
    assert verdict.message.startswith(f"bin {answer.bin} holds nothing and not ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "JSON"),
        (json.dumps({"name": "x", "episodes": 1, "ligth": 2}), "light"),
        (json.dumps({"name": "x", "episodes": 1, "parts": [9, 2]}), "parts"),
    ],
)
def test_what_is_no_scenario_is_refused_and_changes_nothing(
    graph: Any, lay_out: Any, text: str, says: str
) -> None:
    before = graph.call(Trigger, "simulated_robot/verdict", Trigger.Request()).message
    answer = lay_out(text)
    assert not answer.ok
    assert says in answer.message
    assert graph.call(Trigger, "simulated_robot/verdict", Trigger.Request()).message == before
