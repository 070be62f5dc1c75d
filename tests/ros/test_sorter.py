"""The sorter with the cell around it, each node a process: orders, their news, and what a dead node does to them.

The tiny detector sees one gear in the middle of every picture, and the tiny policy goes there and never grasps.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from tests.ros.sorter_process import Orders, sorting_entries
from trunnion_interfaces.msg import PolicyGoal, PolicyStatus

from trunnion_bringup.processes import Cell


@pytest.fixture(scope="module")
def cell(start_cell: Callable[..., Cell], bundle_file: Path) -> Cell:
    return start_cell(*sorting_entries(bundle_file))


@pytest.fixture(scope="module")
def orders(graph: Any, cell: Cell) -> Orders:
    return Orders.to_sorter(graph)


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
