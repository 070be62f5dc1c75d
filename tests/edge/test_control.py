"""A goal in, a safe command out, period by period; and an order sorted by an ideal arm from end to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.cell import CellLayout, MotionLimits, Point
from trunnion_edge.control import ArmController
from trunnion_edge.motion import toward
from trunnion_edge.policy import NotFinite
from trunnion_edge.sorting import Goal, Mode, OrderLine, RobotState, SeenPart, SeenParts, Sorter
from trunnion_edge.violations import ViolationMeter

PERIOD_S = 0.05
TARGET, PLACE = (0.45, 0.1, 0.009), (0.5, 0.29, 0.16)
HERE = RobotState(10.0, (0.5, 0.0, 0.2), 0.08, False)


def goal(mode: Mode, opening_m: float = 0.08) -> Goal:
    return Goal(mode, TARGET, PLACE, opening_m)


class Scripted:
    """A policy without memory: above the part, down, close; then up, above the place, open."""

    def __init__(self, limits: MotionLimits) -> None:
        self._limits = limits
        self.observed: list[dict[str, ArrayLike]] = []

    def forget(self) -> None:
        pass

    def act(self, observation: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        self.observed.append(dict(observation))
        gripper, target, place = (
            np.asarray(observation[n], float) for n in ("gripper_base_m", "target_base_m", "place_base_m")
        )
        if observation["grasped"]:
            goal_m, opening_m = self._carry(gripper, place)
        else:
            goal_m, opening_m = self._approach(gripper, target)
        velocity = toward(gripper, goal_m, self._limits).astype(np.float32)
        return {"velocity_base_mps": velocity, "opening_m": np.array([opening_m], np.float32)}

    def _approach(self, gripper: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[ArrayLike, float]:
        beside = float(np.linalg.norm(gripper[:2] - target[:2]))
        if beside > 0.01:
            return (*target[:2], 0.12), 0.08
        return target, 0.0 if np.linalg.norm(gripper - target) < 0.005 else 0.08

    def _carry(self, gripper: NDArray[np.float64], place: NDArray[np.float64]) -> tuple[ArrayLike, float]:
        if gripper[2] < place[2] - 0.02 and np.linalg.norm(gripper[:2] - place[:2]) > 0.05:
            return (gripper[0], gripper[1], place[2] + 0.02), 0.0
        return place, 0.08 if np.linalg.norm(gripper - place) < 0.02 else 0.0


class Broken:
    def forget(self) -> None:
        pass

    def act(self, observation: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        raise NotFinite(
            where="the policy's action", got="[nan]", wanted="finite values", next_step="hold the arm"
        )


def test_move_goes_straight_to_the_target_with_the_gripper_as_told(limits: MotionLimits) -> None:
    motion = ArmController(Broken(), limits).command(goal(Mode.MOVE, 0.03), HERE, now_s=10.0, dt_s=PERIOD_S)
    direction = motion.velocity_base_mps / np.linalg.norm(motion.velocity_base_mps)
    way = np.subtract(TARGET, HERE.gripper_base_m)
    np.testing.assert_allclose(direction, way / np.linalg.norm(way), atol=1e-6)
    assert (motion.opening_m, motion.hold_reason) == (0.03, None)


def test_the_policy_sees_robot_and_goal_under_the_names_of_the_manifest(limits: MotionLimits) -> None:
    policy = Scripted(limits)
    ArmController(policy, limits).command(goal(Mode.POLICY), HERE, now_s=10.0, dt_s=PERIOD_S)
    assert policy.observed == [
        {
            "gripper_base_m": (0.5, 0.0, 0.2),
            "opening_m": 0.08,
            "grasped": 0.0,
            "target_base_m": TARGET,
            "place_base_m": PLACE,
        }
    ]


def test_hold_stands_still_and_the_gripper_keeps_what_it_was_told(limits: MotionLimits) -> None:
    controller = ArmController(Broken(), limits)
    for _ in range(4):
        controller.command(goal(Mode.MOVE, 0.02), HERE, now_s=10.0, dt_s=PERIOD_S)
    for _ in range(4):
        motion = controller.command(goal(Mode.HOLD, 0.08), HERE, now_s=10.0, dt_s=PERIOD_S)
    np.testing.assert_array_equal(motion.velocity_base_mps, np.zeros(3))
    assert (motion.opening_m, motion.hold_reason) == (0.02, None)


def test_a_policy_that_is_not_finite_holds_the_arm_with_the_reason(limits: MotionLimits) -> None:
    motion = ArmController(Broken(), limits).command(goal(Mode.POLICY), HERE, now_s=10.0, dt_s=PERIOD_S)
    np.testing.assert_array_equal(motion.velocity_base_mps, np.zeros(3))
    assert motion.hold_reason is not None
    assert "the policy's action" in motion.hold_reason


def test_a_stale_state_holds_the_arm(limits: MotionLimits) -> None:
    motion = ArmController(Broken(), limits).command(goal(Mode.MOVE), HERE, now_s=10.2, dt_s=PERIOD_S)
    assert motion.hold_reason == "the state of the arm is 200 ms old"


class Plans(Scripted):
    """Counts how often its plan was dropped."""

    forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1


@pytest.mark.parametrize(
    ("between", "forgotten"),
    [
        (lambda controller: None, False),
        (lambda controller: controller.command(goal(Mode.MOVE), HERE, now_s=10.0, dt_s=PERIOD_S), True),
        (lambda controller: controller.command(goal(Mode.POLICY), HERE, now_s=11.0, dt_s=PERIOD_S), True),
        (lambda controller: controller.hold("a reason", PERIOD_S), True),
        (lambda controller: controller.reset(), True),
    ],
    ids=["nothing", "another goal", "a stale state", "a hold", "a new start"],
)
def test_what_was_planned_ahead_serves_its_goal_without_a_break_or_not_at_all(
    limits: MotionLimits, between: Callable[[ArmController], object], forgotten: bool
) -> None:
    policy = Plans(limits)
    controller = ArmController(policy, limits)
    controller.command(goal(Mode.POLICY), HERE, now_s=10.0, dt_s=PERIOD_S)
    before = policy.forgotten
    between(controller)
    controller.command(goal(Mode.POLICY), HERE, now_s=10.0, dt_s=PERIOD_S)
    assert (policy.forgotten > before) == forgotten


def test_a_stop_at_once_is_zero_in_the_first_period(limits: MotionLimits) -> None:
    controller = ArmController(Scripted(limits), limits)
    for _ in range(3):
        controller.command(goal(Mode.MOVE), HERE, now_s=10.0, dt_s=PERIOD_S)
    motion = controller.hold("emergency stop", PERIOD_S, at_once=True)
    np.testing.assert_array_equal(motion.velocity_base_mps, np.zeros(3))
    assert motion.hold_reason == "emergency stop"


class IdealArm:
    """Follows every velocity at once; its fingers close at 0.2 m/s on the part that is between them."""

    def __init__(self, position: Point, parts: dict[str, Point]) -> None:
        self.position, self.opening_m, self.parts = np.array(position), 0.08, dict(parts)
        self.held: str | None = None
        self.dropped: dict[str, Point] = {}

    def step(self, velocity: NDArray[np.float64], opening_m: float) -> None:
        self.position = self.position + velocity * PERIOD_S
        near = [name for name, spot in self.parts.items() if np.linalg.norm(self.position - spot) < 0.008]
        stop_m = 0.03 if near or self.held else 0.0
        self.opening_m += float(np.clip(max(opening_m, stop_m) - self.opening_m, -0.01, 0.01))
        if self.held and self.opening_m > 0.035:
            x, y, z = self.position.tolist()
            self.dropped[self.held], self.held = (x, y, z), None
        elif near and self.opening_m <= 0.031:
            self.held = near[0]
            del self.parts[self.held]


@pytest.mark.parametrize("bin_name", ["A", "B"])
def test_an_order_is_sorted_without_a_violation(cell: CellLayout, bin_name: str) -> None:
    arm = IdealArm(
        (0.4, -0.1, 0.05),
        {"gear1": (0.38, -0.1, 0.009), "gear2": (0.6, 0.12, 0.009), "nut1": (0.5, 0, 0.008)},
    )
    controller = ArmController(Scripted(cell.limits), cell.limits)
    sorter = Sorter(cell, [OrderLine("gear", 2), OrderLine("nut", 1)], bin_name)
    meter = ViolationMeter(cell.limits, position_tolerance_m=1e-6, speed_tolerance=1e-6)
    for period in range(1200):
        now_s = period * PERIOD_S
        meter.observe(arm.position, now_s)
        x, y, z = arm.position.tolist()
        robot = RobotState(now_s, (x, y, z), arm.opening_m, controller.sense_grasp(arm.opening_m, now_s))
        seen = SeenParts(now_s, tuple(SeenPart(name[:-1], spot, 0.9) for name, spot in arm.parts.items()))
        motion = controller.command(sorter.tick(now_s, robot, seen).goal, robot, now_s=now_s, dt_s=PERIOD_S)
        arm.step(motion.velocity_base_mps, motion.opening_m)
        if sorter.finished:
            break
    assert sorter.success, sorter.message
    assert meter.total == 0
    place = cell.bins[bin_name].drop_base_m
    assert set(arm.dropped) == {"gear1", "gear2", "nut1"}
    assert all(np.linalg.norm(np.subtract(spot, place)) < 0.03 for spot in arm.dropped.values())
