"""The rest of the simulator knows the world by its verbs, and nothing of what simulates it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import trunnion_sim
from trunnion_sim.solids import Ball, Box, Cylinder, Finish, Friction
from trunnion_sim.view import Light, View
from trunnion_sim.world import World, quaternion_xyzw, rotation

SIMULATOR = Path(trunnion_sim.__file__).parent
ABOVE = View((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.0, 1.0, 0.0), 30.0, 0.03, 4.0, 48, 32)
GROUND = Box((1.0, 1.0, 0.05))


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def test_no_other_module_of_the_simulator_speaks_to_pybullet() -> None:
    speakers = {
        file.relative_to(SIMULATOR).as_posix()
        for file in SIMULATOR.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.Attribute | ast.Name) and "bullet" in ast.unparse(node))
        or (isinstance(node, ast.Import | ast.ImportFrom) and "bullet" in ast.unparse(node))
    }
    assert speakers == {"world.py"}


def test_the_readme_lists_every_verb_of_the_world() -> None:
    readme = (SIMULATOR / "README.md").read_text()
    chapter = readme.partition("**Another simulator**")[2].partition("\n\n")[0]
    verbs = {name for name in vars(World) if not name.startswith("_")} - {"close"}
    assert verbs <= set(re.findall(r"`(\w+)`", chapter))


@pytest.mark.parametrize("solid", [Box((0.02, 0.02, 0.02)), Cylinder(0.02, 0.04), Ball(0.02)])
def test_a_solid_falls_and_comes_to_rest_on_what_is_fixed(world: World, solid: Box | Cylinder | Ball) -> None:
    world.add_fixed([((0.0, 0.0, -0.05), GROUND)], [GROUND], Finish())
    body = world.add(solid, solid, mass_kg=0.1, at_m=(0.0, 0.0, 0.2))
    world.step(24)
    assert world.velocity(body)[0][2] == pytest.approx(-0.981, rel=0.02)
    world.step(240)
    assert world.pose(body)[0] == pytest.approx((0.0, 0.0, 0.02), abs=2e-3)


def test_what_is_put_down_is_at_rest(world: World) -> None:
    body = world.add(Ball(0.02), mass_kg=0.1, at_m=(0.0, 0.0, 1.0))
    world.step(24)
    turn = quaternion_xyzw(0.0, 0.0, 0.5)
    world.put(body, (0.1, 0.2, 0.3), turn)
    assert world.pose(body)[0] == pytest.approx((0.1, 0.2, 0.3))
    assert world.pose(body)[1] == pytest.approx(turn)
    assert world.velocity(body) == ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def test_a_slippery_box_slides_down_a_slope_and_a_rough_one_stays(world: World) -> None:
    slope = quaternion_xyzw(0.0, 0.3, 0.0)
    ground = world.add(GROUND, at_m=(0.0, 0.0, 0.0), orientation_xyzw=slope)
    world.rub(ground, Friction(1.0, 0.0))
    above_m = rotation(slope) @ (0.0, 0.0, 0.0705)
    moved_m = []
    for sliding in (0.05, 0.9):
        body = world.add(Box((0.02, 0.02, 0.02)), mass_kg=0.1, at_m=above_m.tolist(), orientation_xyzw=slope)
        world.rub(body, Friction(sliding, 0.0))
        world.step(120)
        moved_m.append(float(np.linalg.norm(np.subtract(world.pose(body)[0], above_m))))
        world.remove(body)
    assert moved_m[0] > 0.1 > 0.01 > moved_m[1]


def test_a_quaternion_turns_about_fixed_axes_in_their_order() -> None:
    roll, pitch, yaw = (rotation(quaternion_xyzw(*turn)) for turn in 0.4 * np.eye(3))
    assert rotation(quaternion_xyzw(0.4, 0.4, 0.4)) == pytest.approx(yaw @ pitch @ roll, abs=1e-6)


def test_a_picture_shows_which_body_is_where_in_which_colour(world: World) -> None:
    box = Box((0.05, 0.05, 0.05))
    red = world.add(box, box, Finish((1.0, 0.0, 0.0), (0.0, 0.0, 0.0)), at_m=(-0.1, 0.0, 0.0))
    world.add(box, None, at_m=(0.3, 0.0, -2.0))
    frame = world.picture(ABOVE, Light())
    assert frame.rgba.shape == (32, 48, 4)
    assert frame.depth.shape == frame.bodies.shape == (32, 48)
    assert frame.bodies[16, 15] == red, "left of the middle"
    assert frame.bodies[16, 35] == -1
    assert frame.depth[16, 15] < frame.depth[16, 35] == pytest.approx(1.0)
    assert frame.rgba[16, 15, 0] > 150 > frame.rgba[16, 15, 1]


def test_a_surface_is_in_the_way_on_both_sides_and_only_where_it_is(world: World) -> None:
    world.add_surface(np.array([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
    above, below = (
        np.array([[0.2, 0.2, 1.0], [0.9, 0.9, 1.0]]),
        np.array([[0.2, 0.2, -1.0], [0.9, 0.9, -1.0]]),
    )
    assert world.unhindered(above, below).tolist() == [False, True]
    assert world.unhindered(below, above).tolist() == [False, True]
