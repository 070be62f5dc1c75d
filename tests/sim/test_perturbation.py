from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from trunnion_edge.camera import PinholeCamera
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.kinematics import arm_joints_rad
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.parts import Placement
from trunnion_sim.perturbation import Encoders, misplaced_camera
from trunnion_sim.renderer import Look
from trunnion_sim.robot import ARM

CALIBRATED = SORTING_CELL.camera
GEAR = Placement("gear", (0.50, 0.0, 0.014), 0.0)


@pytest.fixture(scope="module")
def cell() -> Iterator[SimulatedCell]:
    with SimulatedCell() as cell:
        cell.reset([GEAR])
        yield cell


def _misplaced(shift_mm: float, turn_deg: float, seed: int = 0):  # type: ignore[no-untyped-def]
    return misplaced_camera(CALIBRATED, shift_mm, turn_deg, np.random.default_rng(seed))


def test_a_camera_without_an_error_is_the_calibrated_one() -> None:
    assert _misplaced(0, 0) == CALIBRATED


@pytest.mark.parametrize("shift_mm", [0.5, 5.0, 50.0])
def test_it_stands_as_far_away_as_it_is_called_and_looks_the_same_way(shift_mm: float) -> None:
    for seed in range(5):
        camera = _misplaced(shift_mm, 0, seed)
        away_m = np.linalg.norm(np.subtract(camera.position_base_m, CALIBRATED.position_base_m))
        assert away_m * 1000 == pytest.approx(shift_mm)
        true, believed = PinholeCamera.from_layout(camera), PinholeCamera.from_layout(CALIBRATED)
        assert np.allclose(true.base_from_optical, believed.base_from_optical)
    assert _misplaced(shift_mm, 0, 0) != _misplaced(shift_mm, 0, 1)


@pytest.mark.parametrize("turn_deg", [0.1, 1.0, 10.0])
def test_it_is_turned_as_far_as_it_is_called_and_stays_in_its_place(turn_deg: float) -> None:
    for seed in range(5):
        camera = _misplaced(0, turn_deg, seed)
        assert camera.position_base_m == CALIBRATED.position_base_m
        true, believed = PinholeCamera.from_layout(camera), PinholeCamera.from_layout(CALIBRATED)
        turn = true.base_from_optical @ believed.base_from_optical.T
        assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(turn_deg, rel=1e-3)


def test_parts_are_seen_elsewhere_by_a_misplaced_camera_and_located_wrongly(cell: SimulatedCell) -> None:
    camera = _misplaced(30, 0, seed=3)
    shift_m = np.subtract(camera.position_base_m, CALIBRATED.position_base_m)
    believed, error_m = PinholeCamera.from_layout(CALIBRATED), []
    for real in (None, camera):
        cell.set_look(Look(), real)
        with_gear = cell.render().astype(int)
        cell.reset([])
        empty = cell.render().astype(int)
        cell.reset([GEAR])
        changed = np.abs(with_gear - empty).max(axis=2) > 25
        _, _, sizes, centres = cv2.connectedComponentsWithStats(changed.astype(np.uint8))
        gear = 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax())
        seen = believed.pixel_to_plane(centres[gear][None] + 0.5, 0.014)[0]
        error_m.append(np.linalg.norm(seen[:2] - GEAR.position_base_m[:2]))
    cell.set_look(Look())
    assert error_m[0] < 0.004
    assert error_m[1] > 0.6 * np.linalg.norm(shift_m[:2])


def test_encoders_without_noise_tell_the_truth_and_draw_nothing(cell: SimulatedCell) -> None:
    rng = np.random.default_rng(1)
    point, opening = Encoders(cell.robot, 0, 0, rng).measure(np.array([0.5, 0.1, 0.2]), 0.03)
    assert point.tolist() == [0.5, 0.1, 0.2]
    assert opening == 0.03
    assert rng.random() == np.random.default_rng(1).random()


def test_the_jacobian_is_how_the_grasp_point_moves(cell: SimulatedCell) -> None:
    robot, here = cell.robot, np.array([0.45, 0.1, 0.2])
    robot.place(here, 0.04)
    jacobian = robot.grasp_jacobian_m()
    joints, tiny_rad = arm_joints_rad(here), 1e-5
    for number, joint in enumerate(ARM):
        start = robot.grasp_point_base_m()
        robot.world.put_joints(robot.body, [joint], [joints[number] + tiny_rad])
        moved = (robot.grasp_point_base_m() - start) / tiny_rad
        robot.world.put_joints(robot.body, [joint], [joints[number]])
        assert moved == pytest.approx(jacobian[:, number], abs=2e-3)


def test_noisy_encoders_spread_the_believed_grasp_point_as_the_jacobian_says(cell: SimulatedCell) -> None:
    cell.robot.place(np.array([0.5, 0.0, 0.2]), 0.04)
    encoders = Encoders(cell.robot, 0.1, 0.5, np.random.default_rng(0))
    truth = cell.grasp_point_base_m()
    measured = [encoders.measure(truth, 0.04) for _ in range(2000)]
    spread_m = np.std([point for point, _ in measured], axis=0)
    wanted_m = np.radians(0.1) * np.linalg.norm(cell.robot.grasp_jacobian_m(), axis=1)
    assert spread_m == pytest.approx(wanted_m, rel=0.1)
    assert np.std([opening for _, opening in measured]) == pytest.approx(0.0005, rel=0.1)
    assert np.mean([point for point, _ in measured], axis=0) == pytest.approx(truth, abs=2e-4)


def test_a_noisy_opening_is_never_below_nothing(cell: SimulatedCell) -> None:
    encoders = Encoders(cell.robot, 0, 5, np.random.default_rng(0))
    assert min(encoders.measure(np.zeros(3), 0.001)[1] for _ in range(100)) == 0
