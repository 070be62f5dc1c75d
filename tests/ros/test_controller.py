"""One period of the policy node, without ROS: goals are carried out, and what is stale makes the arm hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.goals import Goal, Mode
from trunnion_edge.policy import Policy
from trunnion_inference.controller import Controller, Opening, Position, StampedGoal, check_spec

HERE = (0.50, 0.0, 0.20)
THERE = (0.55, 0.05, 0.20)
NOW_S = 1000.0
MOVE = Goal(Mode.MOVE, THERE, THERE, 0.03)


@pytest.fixture
def controller(bundle_file: Path) -> Controller:
    bundle = open_bundle(bundle_file)
    assert bundle.model.cell is not None
    policy = Policy.from_model(bundle.model, bundle.read)
    return Controller(policy, bundle.model.cell.limits, goal_age_max_s=0.3)


def step(
    controller: Controller,
    goal: Goal = MOVE,
    *,
    now_s: float = NOW_S,
    pose_s: float = NOW_S,
    joints_s: float = NOW_S,
    goal_s: float = NOW_S,
    width_m: float = 0.08,
):
    return controller.step(
        now_s, Position(HERE, pose_s), Opening(width_m, joints_s), StampedGoal(goal, goal_s)
    )


@pytest.mark.parametrize("mode", [Mode.MOVE, Mode.POLICY])
def test_a_goal_moves_the_arm_towards_its_target_within_the_acceleration(
    controller: Controller, mode: Mode
) -> None:
    out = step(controller, replace(MOVE, mode=mode))
    assert (out.mode, out.hold_reason) == (mode, "")
    direction = np.subtract(THERE, HERE) / np.linalg.norm(np.subtract(THERE, HERE))
    np.testing.assert_allclose(out.velocity_base_mps, 6.0 * 0.05 * direction, atol=0.05)
    assert np.linalg.norm(out.velocity_base_mps) <= 6.0 * 0.05 + 1e-9
    assert out.opening_m == pytest.approx(0.03 if mode == Mode.MOVE else 0.08)


@pytest.mark.parametrize(
    ("stale", "named"),
    [({"pose_s": NOW_S - 0.2}, "current_pose"), ({"joints_s": NOW_S - 0.2}, "joint_states"),
     ({"goal_s": NOW_S - 0.4}, "policy/goal"), ({"pose_s": NOW_S + 5}, "current_pose"),
     ({"pose_s": float("nan")}, "current_pose")],
)  # fmt: skip
def test_what_is_stale_holds_the_arm_and_is_named(controller: Controller, stale: dict, named: str) -> None:
    assert step(controller).mode == Mode.MOVE
    out = step(controller, **stale)
    assert out.mode == Mode.HOLD
    assert out.hold_reason.startswith(f"{named} is ")
    assert np.linalg.norm(out.velocity_base_mps) < 1e-9


def test_a_hold_counts_once_however_long_it_lasts(controller: Controller) -> None:
    for _ in range(3):
        step(controller, pose_s=NOW_S - 1)
    assert controller.holds == 1
    step(controller)
    step(controller, pose_s=NOW_S - 1)
    assert controller.holds == 2


def test_what_never_came_holds_the_arm(controller: Controller) -> None:
    wish = StampedGoal(MOVE, NOW_S)
    assert controller.step(NOW_S, None, Opening(0.08, NOW_S), wish).hold_reason == "no current_pose yet"
    assert controller.step(NOW_S, Position(HERE, NOW_S), None, wish).hold_reason == "no joint_states yet"


def test_without_a_goal_the_arm_stands_still_and_the_gripper_is_told_nothing(controller: Controller) -> None:
    out = controller.step(NOW_S, Position(HERE, NOW_S), Opening(0.02, NOW_S), None)
    assert (out.mode, out.hold_reason, out.opening_m) == (Mode.HOLD, "", None)
    assert not out.velocity_base_mps.any()


def test_a_goal_to_hold_keeps_the_grip_and_is_no_hold_against_the_goal(controller: Controller) -> None:
    step(controller)
    out = step(controller, replace(MOVE, mode=Mode.HOLD, opening_m=0.08), goal_s=NOW_S - 100)
    assert (out.mode, out.hold_reason, out.opening_m, controller.holds) == (Mode.HOLD, "", 0.03, 0)


def test_a_gripper_that_stalls_on_a_part_has_grasped_it(controller: Controller) -> None:
    grip = replace(MOVE, opening_m=0.0)
    stamps = NOW_S + 0.05 * np.arange(6)
    grasped = [
        step(controller, grip, now_s=s, pose_s=s, joints_s=s, goal_s=s, width_m=0.03).grasped for s in stamps
    ]
    assert grasped == [False] * 4 + [True] * 2


def test_fingers_that_are_not_heard_of_do_not_grasp(controller: Controller) -> None:
    grip = replace(MOVE, opening_m=0.0)
    for period in range(20):
        out = step(controller, grip, now_s=NOW_S + 0.05 * period, width_m=0.03)
    assert not out.grasped


def test_a_policy_for_another_cell_is_refused(bundle_file: Path) -> None:
    policy = open_bundle(bundle_file).model.policy
    assert policy is not None
    with pytest.raises(
        BadInput, match="wanted gripper_base_m, opening_m, grasped, target_base_m, place_base_m"
    ):
        check_spec(policy.spec.model_copy(update={"observation": policy.spec.observation[:2]}))


def test_a_policy_that_sees_is_refused_until_the_node_has_a_camera(bundle_file: Path) -> None:
    policy = open_bundle(bundle_file).model.policy
    assert policy is not None
    image = TensorSpec(name="image", dtype="uint8", shape=("N", 64, 64, 3))
    with pytest.raises(BadInput, match=r"got an image of \[64, 64, 3\], wanted numbers alone"):
        check_spec(policy.spec.model_copy(update={"image": image}))
