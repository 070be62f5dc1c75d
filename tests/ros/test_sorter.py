"""The sorter with the cell around it, each node a process: orders, their news, and what a dead node does to them.

The tiny detector sees one gear in the middle of every picture, and the tiny policy goes there and never grasps.
"""

from __future__ import annotations

import dataclasses
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient
from trunnion_interfaces.action import Sort
from trunnion_interfaces.msg import PolicyGoal, PolicyStatus

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import CellSettings, cell_nodes

NODES = ("simulated_robot", "detector", "policy", "sorter")


@pytest.fixture(scope="module")
def cell(start_cell: Callable[..., Cell], bundle_file: Path) -> Cell:
    entries = {e.name: e for e in cell_nodes(CellSettings(bundle=str(bundle_file), data_dir="/none"))}
    sensitive = {**entries["detector"].parameters, "confidence_threshold": 0.1}
    entries["detector"] = dataclasses.replace(entries["detector"], parameters=sensitive)
    return start_cell(*(entries[name] for name in NODES))


@dataclasses.dataclass
class Orders:
    """A client of the sorter that keeps what it is told."""

    graph: Any
    client: ActionClient
    feedback: list[Sort.Feedback]

    def send(
        self, parts: tuple[str, ...] = ("gear",), quantities: tuple[int, ...] = (1,), bin_name: str = "B"
    ) -> Any:
        """The goal's handle."""
        goal = Sort.Goal(order_id="7", parts=list(parts), quantities=list(quantities), bin=bin_name)
        self.feedback.clear()
        future = self.client.send_goal_async(goal, lambda message: self.feedback.append(message.feedback))
        return self.graph.wait(future, "answer to an order")

    def say_hello(self) -> None:
        """Send what is refused until an answer comes: the first ones may be lost while both sides still meet."""
        for _ in range(10):
            future = self.client.send_goal_async(Sort.Goal(order_id="hello"))
            deadline_s = time.monotonic() + 2
            while not future.done() and time.monotonic() < deadline_s:
                time.sleep(0.01)
            if future.done():
                self.result(future.result())
                return
        raise AssertionError("the sorter does not answer")

    def result(self, handle: Any, timeout_s: float = 20.0) -> Any:
        """Status and result."""
        return self.graph.wait(handle.get_result_async(), "result", timeout_s)

    def until_phase(self, phase: str, timeout_s: float = 20.0) -> None:
        """Wait for feedback."""
        deadline_s = time.monotonic() + timeout_s
        while not any(feedback.phase == phase for feedback in list(self.feedback)):
            assert time.monotonic() < deadline_s, f"no phase {phase}: {self.feedback[-1:]}"
            time.sleep(0.01)


@pytest.fixture(scope="module")
def orders(graph: Any, cell: Cell) -> Orders:
    client = ActionClient(graph.node, Sort, "sort")
    graph.until(client.server_is_ready, "sorter's action server")
    orders = Orders(graph, client, [])
    orders.say_hello()
    return orders


@pytest.fixture(scope="module")
def statuses(graph: Any, cell: Cell) -> list[PolicyStatus]:
    heard = graph.hear(PolicyStatus, "policy/status")
    graph.until(lambda: heard, "policy/status")
    return heard


def test_an_order_that_the_cell_cannot_do_fails_with_what_it_wanted(orders: Orders) -> None:
    for parts, quantities, bin_name, wanted in (
        (("cog",), (1,), "B", "got 'cog', wanted one of "),
        (("gear",), (1,), "Z", "wanted one of A, B"),
        (("gear",), (10_000,), "B", "wanted 100 or fewer"),
        (("gear",), (), "B", "wanted one for each part"),
    ):
        answer = orders.result(orders.send(parts, quantities, bin_name))
        assert answer.status == GoalStatus.STATUS_ABORTED
        assert not answer.result.success
        assert wanted in answer.result.message


def test_an_order_goes_home_looks_and_picks_and_a_second_one_is_refused_meanwhile(
    orders: Orders, statuses: list[PolicyStatus]
) -> None:
    handle = orders.send()
    orders.until_phase("picking")
    assert orders.feedback[-1].requested == 1
    assert orders.feedback[-1].part == "gear"
    assert not orders.send().accepted
    orders.graph.until(lambda: statuses[-1].mode == PolicyGoal.POLICY, "policy at work")
    orders.graph.wait(handle.cancel_goal_async(), "cancellation")
    answer = orders.result(handle)
    assert answer.status == GoalStatus.STATUS_CANCELED
    assert answer.result.message.startswith("cancelled")
    orders.graph.until(lambda: statuses[-1].mode == PolicyGoal.HOLD, "hold")


def test_a_part_that_is_not_in_the_tray_fails_the_order(orders: Orders) -> None:
    answer = orders.result(orders.send(("nut",)))
    assert (answer.status, answer.result.success) == (GoalStatus.STATUS_ABORTED, False)
    assert "no nut in the tray" in answer.result.message


def test_a_killed_detector_fails_the_order_by_name_and_the_arm_holds(
    cell: Cell, orders: Orders, statuses: list[PolicyStatus]
) -> None:
    handle = orders.send()
    orders.until_phase("picking")
    os.kill(cell.process_ids["detector"], signal.SIGKILL)
    answer = orders.result(handle)
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert answer.result.message.startswith("detector is silent: no ")
    orders.graph.until(lambda: statuses[-1].mode == PolicyGoal.HOLD, "hold")
    assert [str(death) for death in cell.poll()] == ["detector was killed by signal 9"]
    poses = orders.graph.hear(PoseStamped, "current_pose")
    orders.graph.until(lambda: len(poses) > 25, "poses")
    first, last = poses[-10].pose.position, poses[-1].pose.position
    assert math.dist((first.x, first.y, first.z), (last.x, last.y, last.z)) < 1e-3


def test_an_order_without_a_detector_fails_at_once(cell: Cell, orders: Orders) -> None:
    answer = orders.result(orders.send(), 5)
    assert answer.result.message.startswith("detector is silent")
