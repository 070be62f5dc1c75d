"""Claims about the table, the arm and the cube of the tasks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from trunnion_sim.panda_model import panda_urdf
from trunnion_sim.tasks.table_scene import CUBE_M, RATE_HZ, START_M, TableScene, roll_pitch_yaw
from trunnion_sim.world import World


@pytest.fixture
def scene() -> Iterator[TableScene]:
    made = TableScene(cube=True, target=False)
    made.reset(np.array([0.1, 0.1, 0.02]), np.array([0.1, -0.1, CUBE_M / 2]))
    yield made
    made.close()


def test_the_hand_starts_where_it_is_said_to(scene: TableScene) -> None:
    assert scene.hand_m == pytest.approx(START_M, abs=1e-6)
    assert scene.opening_m == pytest.approx(0, abs=1e-6)


def test_the_hand_is_where_the_stock_arm_has_its_grasp_target(scene: TableScene) -> None:
    scene.move((0.01, 0.03, -0.05), 0.05)
    bullet = scene.world._bullet
    states = scene.world.joint_places(scene._arm, range(7))
    with World() as world:
        stock = world.add_arm(panda_urdf(), (-0.6, 0, 0))
        world.put_joints(stock, (0, 1, 3, 5, 6, 9, 10), states)
        where = world.link(stock, 11).position_m
        masses_kg = sum(world._bullet.getDynamicsInfo(stock, link)[0] for link in range(-1, 12))
    assert scene.hand_m == pytest.approx(where, abs=1e-6)
    assert sum(bullet.getDynamicsInfo(scene._arm, link)[0] for link in range(-1, 7)) == pytest.approx(
        masses_kg
    )


def test_the_hand_moves_as_fast_as_it_says() -> None:
    scene = TableScene(cube=False, target=False)
    scene.reset(np.zeros(3))
    for _ in range(12):
        scene.move((-0.004, 0.004, 0.004), 0.0)
    before = np.array(scene.hand_m)
    said_mps = np.array(scene.hand_mps)
    scene.move((-0.004, 0.004, 0.004), 0.0)
    moved_mps = (np.array(scene.hand_m) - before) * RATE_HZ
    scene.close()
    # The arm stops towards the end of each period, so that it says less than the mean; the direction is the same.
    assert np.sign(said_mps).tolist() == np.sign(moved_mps).tolist()
    assert np.linalg.norm(said_mps) < 1.5 * np.linalg.norm(moved_mps)


def test_the_cube_lies_still(scene: TableScene) -> None:
    for _ in range(25):
        scene.move((0.0, 0.0, 0.0), 0.0)
    state = np.array(scene.cube_state())
    assert state[:3] == pytest.approx([0.1, -0.1, CUBE_M / 2], abs=1e-3)
    assert np.abs(state[6:]).max() < 0.02


def test_a_cube_that_is_held_goes_where_the_hand_goes(scene: TableScene) -> None:
    scene.reset(np.zeros(3), np.array([*START_M[:2], CUBE_M / 2]))
    for _ in range(8):
        scene.move((0.0, 0.0, 0.05 if scene.hand_m[2] < 0.15 else 0.0), 0.08)
    while scene.hand_m[2] > 0.022:
        scene.move((START_M[0] - scene.hand_m[0], 0.0, max(-0.03, 0.02 - scene.hand_m[2])), 0.08)
    for _ in range(4):
        scene.move((0.0, 0.0, 0.0), 0.0)
    for _ in range(6):
        scene.move((0.0, 0.0, 0.02), 0.0)
    assert scene.cube_state()[2] > 0.06
    assert np.linalg.norm(np.subtract(scene.cube_state()[:3], scene.hand_m)) < 0.02


@pytest.mark.parametrize("seed", range(5))
def test_angles_are_those_that_pybullet_means(seed: int) -> None:
    quaternion = np.random.default_rng(seed).normal(size=4)
    quaternion /= np.linalg.norm(quaternion)
    with World() as world:
        expected = world._bullet.getEulerFromQuaternion(quaternion.tolist())
    assert roll_pitch_yaw(*quaternion) == pytest.approx(expected, abs=1e-6)
