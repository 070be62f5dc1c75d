"""The policy node, as a process, on an arm that is not there: pose and joints come from the test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point, PoseStamped, TwistStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64
from std_srvs.srv import Trigger
from trunnion_interfaces.msg import PolicyGoal, PolicyStatus

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import CellSettings, cell_nodes
from trunnion_inference.policy_node import PolicyNode

PERIOD_S = 0.05
# A period, and what a busy machine adds to it.
WITHIN_S = PERIOD_S + 0.1
HERE = (0.50, 0.0, 0.20)


def seconds(stamp: Time) -> float:
    return stamp.sec + stamp.nanosec / 1e9


class Arm:
    """Says where it is 50 times a second, and repeats the goal; each can be stopped."""

    def __init__(self, graph: Any) -> None:
        self.position, self.goal = HERE, PolicyGoal(mode=PolicyGoal.HOLD)
        self.speaks = {"pose": True, "joints": True, "goal": True}
        self.last_s: dict[str, float] = {}
        self._node = graph.node
        self._pose = graph.say(PoseStamped, "current_pose")
        self._joints = graph.say(JointState, "joint_states")
        self._goal = graph.say(PolicyGoal, "policy/goal")
        self.twists = graph.hear(TwistStamped, "servo/delta_twist_cmds")
        self.openings = graph.hear(Float64, "gripper/opening_cmd")
        self.statuses = graph.hear(PolicyStatus, "policy/status")
        self._timer = graph.node.create_timer(0.02, self._speak)
        graph.until(lambda: self.statuses and self.twists, "policy/status")

    def wants(self, mode: int, target: tuple[float, float, float] = HERE, opening_m: float = 0.08) -> None:
        """Set the goal that is repeated."""
        point = Point(**dict(zip("xyz", target, strict=True)))
        self.goal = PolicyGoal(mode=mode, target=point, place=point, opening_m=opening_m)

    def rest(self) -> None:
        """Everything speaks, the arm is told to hold."""
        self.speaks = dict.fromkeys(self.speaks, True)
        self.position = HERE
        self.wants(PolicyGoal.HOLD)

    def velocities(self, since: int) -> np.ndarray:
        """What was commanded since the twist of that number, float [n, 3]."""
        linear = [message.twist.linear for message in self.twists[since:]]
        return np.array([(v.x, v.y, v.z) for v in linear])

    def _speak(self) -> None:
        stamp = self._node.get_clock().now().to_msg()
        self.last_s |= {name: seconds(stamp) for name, speaks in self.speaks.items() if speaks}
        if self.speaks["pose"]:
            message = PoseStamped()
            message.header.stamp, message.header.frame_id = stamp, "base"
            message.pose.position = Point(**dict(zip("xyz", self.position, strict=True)))
            self._pose(message)
        if self.speaks["joints"]:
            message = JointState(name=["panda_finger_joint1", "panda_finger_joint2"], position=[0.03, 0.03])
            message.header.stamp = stamp
            self._joints(message)
        if self.speaks["goal"]:
            self.goal.header.stamp = stamp
            self._goal(self.goal)


@pytest.fixture(scope="module")
def policy(start_cell: Callable[..., Cell], bundle_file: Path) -> Cell:
    entries = cell_nodes(CellSettings(bundle=str(bundle_file), data_dir="/none"))
    return start_cell(*(entry for entry in entries if entry.name == "policy"))


@pytest.fixture(scope="module")
def the_arm(graph: Any, policy: Cell) -> Arm:
    return Arm(graph)


@pytest.fixture
def arm(graph: Any, the_arm: Arm) -> Iterator[Arm]:
    the_arm.rest()
    begin = len(the_arm.statuses)
    graph.until(lambda: any(not s.hold_reason for s in the_arm.statuses[begin:]), "rest")
    return the_arm


@pytest.fixture(scope="module")
def stop(graph: Any, the_arm: Arm) -> Callable[..., Callable[[Bool], None]]:
    return lambda qos: graph.say(Bool, "emergency_stop", qos)


def until_mode(graph: Any, arm: Arm, mode: int) -> None:
    begin = len(arm.statuses)
    graph.until(lambda: any(status.mode == mode for status in arm.statuses[begin:]), f"mode {mode}")


def test_the_gripper_is_told_nothing_before_there_is_a_goal(arm: Arm) -> None:
    assert arm.statuses[-1].mode == PolicyGoal.HOLD
    assert arm.openings == []
    assert not arm.velocities(0).any()


def test_move_goes_straight_to_the_target_with_the_gripper_as_told(graph: Any, arm: Arm) -> None:
    begin = len(arm.twists)
    arm.wants(PolicyGoal.MOVE, (0.50, 0.10, 0.20), opening_m=0.05)
    until_mode(graph, arm, PolicyGoal.MOVE)
    graph.until(lambda: len(arm.openings) > 2, "gripper command")
    assert arm.openings[-1].data == pytest.approx(0.05)
    moving = arm.velocities(begin)
    assert moving[-1, 1] > 0.1
    assert abs(moving[:, [0, 2]]).max() < 1e-6
    assert arm.twists[-1].header.frame_id == "base"


def test_the_policy_acts_on_what_it_observes(graph: Any, arm: Arm) -> None:
    arm.wants(PolicyGoal.POLICY, (0.50, -0.02, 0.20))
    until_mode(graph, arm, PolicyGoal.POLICY)
    graph.until(
        lambda: arm.velocities(-1)[0, 1] == pytest.approx(4 * -0.02, abs=1e-4), "the policy's velocity"
    )
    assert arm.openings[-1].data == pytest.approx(0.08)
    assert "tiny 0.1.0" in arm.statuses[-1].model


def test_speed_and_acceleration_are_limited(graph: Any, arm: Arm) -> None:
    begin = len(arm.twists)
    arm.wants(PolicyGoal.POLICY, (0.50, 0.29, 0.20))
    graph.until(lambda: np.linalg.norm(arm.velocities(-1)) > 0.55, "full speed")
    speeds = np.linalg.norm(arm.velocities(begin), axis=1)
    assert speeds.max() <= 0.6 + 1e-6
    assert np.diff(speeds).max() <= 6.0 * PERIOD_S + 1e-6


def test_a_target_beyond_the_wall_does_not_lead_out_of_the_workspace(graph: Any, arm: Arm) -> None:
    arm.position = (0.50, 0.2995, 0.20)
    time.sleep(2 * PERIOD_S)
    begin = len(arm.twists)
    arm.wants(PolicyGoal.POLICY, (0.50, 0.60, 0.20))
    until_mode(graph, arm, PolicyGoal.POLICY)
    graph.until(lambda: len(arm.twists) > begin + 5, "commands")
    assert arm.velocities(begin)[:, 1].max() * PERIOD_S <= 0.30 - 0.2995 + 1e-6


@pytest.mark.parametrize(
    ("silent", "named", "age_max_s"),
    [("pose", "current_pose", 0.15), ("joints", "joint_states", 0.15), ("goal", "policy/goal", 0.3)],
)
def test_within_a_period_of_going_stale_the_arm_holds_and_says_why(
    graph: Any, arm: Arm, silent: str, named: str, age_max_s: float
) -> None:
    arm.wants(PolicyGoal.MOVE, (0.50, 0.10, 0.20))
    until_mode(graph, arm, PolicyGoal.MOVE)
    holds = arm.statuses[-1].holds
    begin = len(arm.statuses)
    arm.speaks[silent] = False
    graph.until(lambda: any(s.mode == PolicyGoal.HOLD for s in arm.statuses[begin:]), "hold")
    held = next(s for s in arm.statuses[begin:] if s.mode == PolicyGoal.HOLD)
    assert seconds(held.header.stamp) - arm.last_s[silent] < age_max_s + WITHIN_S
    assert held.hold_reason.startswith(f"{named} is ")
    assert held.holds == holds + 1
    graph.until(lambda: not arm.velocities(-2).any(), "standstill", 1)
    arm.speaks[silent] = True
    until_mode(graph, arm, PolicyGoal.MOVE)


@pytest.mark.parametrize("qos", [10, QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)])
def test_an_emergency_stop_is_zero_at_once_and_lasts_until_it_is_released(
    graph: Any, arm: Arm, stop: Callable[..., Callable[[Bool], None]], qos: Any
) -> None:
    say = stop(qos)
    arm.wants(PolicyGoal.MOVE, (0.50, 0.29, 0.20))
    graph.until(lambda: np.linalg.norm(arm.velocities(-1)) > 0.3, "motion")
    begin = len(arm.statuses)
    said_s = seconds(graph.node.get_clock().now().to_msg())
    say(Bool(data=True))
    graph.until(lambda: any(s.mode == PolicyGoal.HOLD for s in arm.statuses[begin:]), "hold")
    held = next(s for s in arm.statuses[begin:] if s.mode == PolicyGoal.HOLD)
    assert seconds(held.header.stamp) - said_s < WITHIN_S
    assert held.hold_reason == "emergency stop"
    since = len(arm.twists)
    graph.until(lambda: len(arm.twists) > since + 10, "commands")
    assert not arm.velocities(since).any(), "not even a period of braking"
    # What a heartbeat of another device says takes nobody's stop back.
    say(Bool(data=False))
    since = len(arm.twists)
    graph.until(lambda: len(arm.twists) > since + 4, "commands")
    assert not arm.velocities(since).any()
    assert graph.call(Trigger, "policy/release_emergency_stop", Trigger.Request()).success
    until_mode(graph, arm, PolicyGoal.MOVE)


def test_a_goal_in_another_frame_is_ignored_and_the_log_says_so(graph: Any, arm: Arm, policy: Cell) -> None:
    begin = len(arm.statuses)
    arm.wants(PolicyGoal.MOVE, (0.50, 0.10, 0.20))
    arm.goal.header.frame_id = "camera_optical"
    log = policy.log_file("policy")
    graph.until(lambda: "in frame 'camera_optical', wanted" in log.read_text(), "complaint")
    graph.until(lambda: len(arm.statuses) > begin + 5, "policy/status")
    assert {status.mode for status in arm.statuses[begin:]} == {PolicyGoal.HOLD}


def test_the_thread_that_commands_is_scheduled_as_the_heartbeat_says_and_only_while_it_commands(
    graph: Any, policy: Cell, arm: Arm
) -> None:
    heard = graph.hear(DiagnosticArray, "/diagnostics")

    def scheduling() -> str:
        graph.until(lambda: [m for m in heard if m.status[0].name == "policy"], "a heartbeat")
        said = {
            value.key: value.value
            for m in heard
            if m.status[0].name == "policy"
            for value in m.status[0].values
        }
        return said["scheduling"]

    process_id = policy.process_ids["policy"]
    is_first = scheduling().startswith("real time")
    assert is_first == (os.sched_getscheduler(process_id) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO)
    for transition, commands in (
        (Transition.TRANSITION_DEACTIVATE, False),
        (Transition.TRANSITION_ACTIVATE, True),
    ):
        request = ChangeState.Request(transition=Transition(id=transition))
        assert graph.call(ChangeState, "policy/change_state", request).success
        now = os.sched_getscheduler(process_id) & ~os.SCHED_RESET_ON_FORK
        assert now == (os.SCHED_FIFO if commands and is_first else os.SCHED_OTHER)


def test_the_arm_is_commanded_at_the_policys_rate_and_the_heartbeat_says_how_evenly(
    graph: Any, arm: Arm
) -> None:
    heard = graph.hear(DiagnosticArray, "/diagnostics")
    begin, periods = len(arm.twists), 40
    graph.until(lambda: len(arm.twists) > begin + periods, "commands")
    stamps_s = [seconds(twist.header.stamp) for twist in arm.twists[begin : begin + periods + 1]]
    assert (stamps_s[-1] - stamps_s[0]) / periods == pytest.approx(PERIOD_S, rel=0.1)
    graph.until(lambda: [m for m in heard if m.status[0].name == "policy"], "a heartbeat")
    status = next(m.status[0] for m in heard if m.status[0].name == "policy")
    # How late one of a hundred periods begins: less than a period, also on a busy machine.
    (jitter_ms,) = [float(value.value) for value in status.values if value.key == "jitter_p99_ms"]
    assert 0 < jitter_ms < 1e3 * PERIOD_S


def test_where_nobody_says_otherwise_the_network_runs_on_the_thread_that_commands(ros: None) -> None:
    node = PolicyNode()
    assert node.get_parameter("threads").value == 1
    node.destroy_node()


def test_deactivating_stops_the_arm_and_then_says_no_more(graph: Any, arm: Arm) -> None:
    def change(transition: int) -> None:
        request = ChangeState.Request(transition=Transition(id=transition))
        assert graph.call(ChangeState, "policy/change_state", request).success

    arm.wants(PolicyGoal.MOVE, (0.50, 0.20, 0.20))
    graph.until(lambda: np.linalg.norm(arm.velocities(-1)) > 0.3, "motion")
    change(Transition.TRANSITION_DEACTIVATE)
    time.sleep(0.2)
    silent_since = len(arm.twists)
    assert not arm.velocities(-1).any()
    time.sleep(0.2)
    assert len(arm.twists) == silent_since
    change(Transition.TRANSITION_ACTIVATE)
    graph.until(lambda: len(arm.twists) > silent_since, "commands")


def test_a_policy_that_is_told_to_end_stops_the_arm_first(graph: Any, arm: Arm, policy: Cell) -> None:
    arm.wants(PolicyGoal.MOVE, (0.50, 0.20, 0.20))
    graph.until(lambda: np.linalg.norm(arm.velocities(-1)) > 0.3, "motion")
    policy.stop()
    graph.until(lambda: not arm.velocities(-1).any(), "zero twist", 1)
    assert "Traceback" not in policy.log_file("policy").read_text()
