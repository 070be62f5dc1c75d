from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterator

import numpy as np
import pytest

from trunnion_sim.cell import SimulatedCell
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.parts import CLEARANCE_M, CLUTTER, KINDS, Placement, scattered
from trunnion_sim.world import World

LABELS = ("gear", "bolt", "nut", "gear")


@pytest.fixture(scope="module")
def cell() -> Iterator[SimulatedCell]:
    with SimulatedCell() as cell:
        yield cell


def _play(cell: SimulatedCell, seed: int) -> str:
    """A rough episode, full of contacts, as a digest of everything that moved and of one picture."""
    rng = np.random.default_rng(seed)
    cell.lay_out(LABELS, rng)
    seen = hashlib.sha256()
    target = cell.parts[0].position_base_m()
    for period in range(60):
        here = cell.grasp_point_base_m()
        velocity = np.clip((target - here) * 5, -0.4, 0.4) if period < 30 else np.zeros(3)
        if period >= 40:
            velocity = np.array([rng.uniform(-0.1, 0.1), 0.1, 0.2])
        cell.step(velocity, 0.06 if period < 30 else 0.0)
        seen.update(np.concatenate([here, *(part.position_base_m() for part in cell.parts)]).tobytes())
    seen.update(cell.render().tobytes())
    return seen.hexdigest()


def _play_elsewhere(seed: int) -> str:
    with SimulatedCell() as cell:
        return _play(cell, seed)


def test_the_same_seed_gives_the_same_bytes_in_a_new_cell_a_used_one_and_another_process(
    cell: SimulatedCell,
) -> None:
    seeds = range(40)
    used = [_play(cell, seed) for seed in seeds]
    assert [_play(cell, seed) for seed in reversed(seeds)] == used[::-1]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_play_elsewhere, seeds) == used
    assert len(set(used)) == len(used)


def test_a_picture_is_the_same_however_many_were_drawn_before(cell: SimulatedCell) -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        cell.lay_out([*LABELS, *CLUTTER], rng)
        cell.robot.place(rng.uniform((0.3, -0.3, 0.1), (0.6, 0.3, 0.4)), 0.04)
        first = cell.render()
        assert all((cell.render() == first).all() for _ in range(3))


def test_two_cells_in_one_process_do_not_disturb_each_other(cell: SimulatedCell) -> None:
    alone = _play(cell, 3)
    cell.lay_out(LABELS, np.random.default_rng(3))
    with SimulatedCell() as other:
        other.lay_out(["nut"], np.random.default_rng(9))
        other.step(np.array([0.0, -0.2, 0.0]), 0.08)
        assert _play(cell, 3) == alone


@pytest.mark.parametrize("label", [*KINDS, *CLUTTER])
def test_parts_lie_still_where_they_are_put(cell: SimulatedCell, label: str) -> None:
    tray = SORTING_CELL.tray.center_base_m
    height_m = ({**KINDS, **CLUTTER})[label].height_m
    cell.reset([Placement(label, (0.5, 0.05, tray[2] + height_m / 2), 0.7)])
    start = cell.parts[0].position_base_m()
    cell.step(np.zeros(3), 0.08, duration_s=1.0)
    assert np.linalg.norm(cell.parts[0].position_base_m() - start) < 5e-4
    assert cell.bin_of(cell.parts[0]) is None


@pytest.mark.parametrize("name", SORTING_CELL.bins)
def test_a_part_that_is_dropped_over_a_bin_comes_to_rest_in_it(cell: SimulatedCell, name: str) -> None:
    cell.reset([Placement("gear", SORTING_CELL.bins[name].drop_base_m, 0.3)])
    assert cell.bin_of(cell.parts[0]) is None
    cell.robot.place(np.array([0.5, 0.0, 0.25]), 0.08)
    cell.step(np.zeros(3), 0.08, duration_s=1.0)
    assert cell.bin_of(cell.parts[0]) == name


def test_scattered_parts_keep_their_distance_and_stay_in_the_tray() -> None:
    tray = SORTING_CELL.tray
    for seed in range(20):
        rng = np.random.default_rng(seed)
        placed = scattered(list(KINDS) * 2, tray.center_base_m, tray.size_m, rng, clearance_m=CLEARANCE_M)
        assert len(placed) == 6, "an ordinary tray has room for six"
        for number, one in enumerate(placed):
            radius_m = KINDS[one.label].footprint_radius_m
            offset = np.abs(np.subtract(one.position_base_m[:2], tray.center_base_m[:2]))
            assert (offset + radius_m <= np.array(tray.size_m) / 2).all()
            for other in placed[:number]:
                gap = np.hypot(*np.subtract(one.position_base_m[:2], other.position_base_m[:2]))
                assert gap - radius_m - KINDS[other.label].footprint_radius_m >= CLEARANCE_M


def test_more_parts_than_the_tray_has_room_for_are_left_out() -> None:
    tray = SORTING_CELL.tray
    rng = np.random.default_rng(0)
    placed = scattered(["gear"] * 50, tray.center_base_m, tray.size_m, rng, clearance_m=CLEARANCE_M)
    assert 4 <= len(placed) < 12


def test_a_closed_world_may_be_closed_again() -> None:
    world = World()
    world.close()
    world.close()
