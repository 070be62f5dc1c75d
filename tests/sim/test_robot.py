from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from trunnion_contract.cell import MotionLimits
from trunnion_edge.limits import Limiter
from trunnion_edge.violations import ViolationMeter
from trunnion_sim.kinematics import arm_joints_rad
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.robot import JOINT_NAMES, Panda, substeps
from trunnion_sim.world import World, rotation

PERIOD_S = 0.05
LIMITS: MotionLimits = SORTING_CELL.limits


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture(scope="module")
def arm(world: World) -> Panda:
    return Panda(world)


def _move(arm: Panda, velocity_base_mps: list[float], opening_m: float, periods: int = 1) -> None:
    for _ in range(periods):
        arm.command(np.array(velocity_base_mps), opening_m, PERIOD_S)
        arm.world.step(substeps(PERIOD_S))


def _corners() -> list[np.ndarray]:
    low, high = np.array(LIMITS.workspace_low_base_m), np.array(LIMITS.workspace_high_base_m)
    return [np.where(np.array(np.unravel_index(n, (2, 2, 2))) == 0, low, high) for n in range(8)]


@pytest.mark.parametrize("corner", range(8))
def test_the_whole_workspace_is_in_reach_with_the_hand_straight_down(arm: Panda, corner: int) -> None:
    wanted = _corners()[corner]
    arm.place(wanted, 0.04)
    assert np.abs(arm.grasp_point_base_m() - wanted).max() < 1e-6
    assert np.abs(rotation(arm.grasp_orientation_xyzw().tolist()) - np.diag([1, -1, -1])).max() < 1e-6


def test_a_point_out_of_reach_stretches_the_arm_and_breaks_nothing() -> None:
    joints = arm_joints_rad(np.array([3.0, 0.0, 0.5]))
    assert np.isfinite(joints).all()


def test_the_grasp_point_moves_as_fast_as_it_is_told(arm: Panda) -> None:
    arm.place(np.array([0.5, 0.1, 0.2]), 0.04)
    _move(arm, [0.0, -0.3, 0.0], 0.04, 2)
    before = arm.grasp_point_base_m()
    _move(arm, [0.0, -0.3, 0.0], 0.04, 6)
    speed = (arm.grasp_point_base_m() - before) / (6 * PERIOD_S)
    assert speed == pytest.approx([0.0, -0.3, 0.0], abs=0.01)


@pytest.mark.parametrize(
    "place", [(0.5, 0.1, 0.2), LIMITS.workspace_low_base_m, LIMITS.workspace_high_base_m]
)
def test_an_arm_that_is_told_to_stand_stands_and_does_not_sink(
    arm: Panda, place: tuple[float, float, float]
) -> None:
    arm.place(np.array(place), 0.04)
    _move(arm, [0.0, 0.0, 0.0], 0.04, 200)
    assert np.linalg.norm(arm.grasp_point_base_m() - place) < 2e-4


def test_an_arm_that_stops_stays_where_it_stopped(arm: Panda) -> None:
    arm.place(np.array([0.5, 0.1, 0.2]), 0.04)
    _move(arm, [0.0, -0.3, 0.0], 0.04, 6)
    stopped = arm.grasp_point_base_m()
    _move(arm, [0.0, 0.0, 0.0], 0.04, 200)
    assert np.linalg.norm(arm.grasp_point_base_m() - stopped) < 2e-4


def test_the_fingers_open_and_close_together(arm: Panda) -> None:
    arm.place(np.array([0.5, 0.0, 0.2]), 0.0)
    _move(arm, [0.0, 0.0, 0.0], 0.08, 10)
    assert arm.opening_m() == pytest.approx(0.08, abs=1e-3)
    _move(arm, [0.0, 0.0, 0.0], 0.03, 10)
    left, right = arm.joint_states().positions[7:]
    assert left == pytest.approx(right, abs=1e-4)
    assert left + right == pytest.approx(0.03, abs=1e-3)


def test_joint_states_name_every_joint(arm: Panda) -> None:
    states = arm.joint_states()
    assert len(JOINT_NAMES) == 9
    assert states.positions.shape == states.velocities.shape == states.efforts.shape == (9,)
    assert states.positions[:7] == pytest.approx(arm.arm_positions_rad())


def test_limited_motion_stays_within_speed_and_workspace_when_measured(arm: Panda) -> None:
    arm.place(np.array(SORTING_CELL.home_base_m), 0.08)
    limiter, meter, rng = Limiter(LIMITS), ViolationMeter(LIMITS), np.random.default_rng(4)
    for period in range(120):
        if period % 8 == 0:
            wanted = rng.uniform(-1.2, 1.2, 3)
        motion = limiter.limit(wanted, 0.08, position_base_m=arm.grasp_point_base_m(), dt_s=PERIOD_S)
        _move(arm, motion.velocity_base_mps.tolist(), motion.opening_m)
        meter.observe(arm.grasp_point_base_m(), period * PERIOD_S)
    assert meter.total == 0
    assert meter.fastest_mps > 0.4, "the test did move the arm fast"
