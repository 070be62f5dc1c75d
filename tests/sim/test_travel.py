from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from trunnion_sim.cell import SimulatedCell
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.parts import KINDS, Placement
from trunnion_sim.travel import Travel

AT_M = (0.5, 0.0)


@pytest.fixture(scope="module")
def cell() -> Iterator[SimulatedCell]:
    with SimulatedCell(SORTING_CELL) as cell:
        yield cell


def _begin(cell: SimulatedCell, above_m: float, label: str | None = None) -> None:
    height_m = SORTING_CELL.tray.center_base_m[2]
    part = [Placement(label, (*AT_M, height_m + KINDS[label].height_m / 2), 0.0)] if label else []
    cell.reset(part, grasp_base_m=np.array([*AT_M, height_m + above_m]))


def _lower(
    cell: SimulatedCell, travel: Travel, periods: int, opening_m: float, speed_mps: float = 0.1
) -> None:
    for _ in range(periods):
        travel.observe(cell.grasp_point_base_m())
        cell.step(np.array([0.0, 0.0, -speed_mps]), opening_m)
    travel.observe(cell.grasp_point_base_m())


def test_the_path_is_the_way_of_the_grasp_point(cell: SimulatedCell) -> None:
    _begin(cell, 0.25)
    travel = Travel(cell, ())
    start_m = cell.grasp_point_base_m()
    _lower(cell, travel, 10, 0.08, speed_mps=0.3)
    assert travel.path_m == pytest.approx(np.linalg.norm(cell.grasp_point_base_m() - start_m), abs=2e-3)
    assert 0.1 < travel.path_m < 0.2
    assert travel.collisions == 0


def test_what_goes_on_being_touched_counts_once(cell: SimulatedCell) -> None:
    _begin(cell, 0.05)
    travel = Travel(cell, KINDS)
    _lower(cell, travel, 20, 0.08)
    assert len(cell.touched_by_arm(KINDS)) == 2  # the tray, and the table under its thin floor
    assert travel.collisions == 2


def test_a_part_may_be_touched_only_if_it_was_ordered(cell: SimulatedCell) -> None:
    counted = {}
    for allowed in ((), ("gear",)):
        _begin(cell, 0.04, "gear")
        travel = Travel(cell, allowed)
        # Closed fingers come down on the part, and stay above the tray.
        _lower(cell, travel, 5, 0.0)
        counted[allowed] = travel.collisions
    assert counted == {(): 1, ("gear",): 0}


def test_an_arm_that_touches_nothing_touches_nothing(cell: SimulatedCell) -> None:
    _begin(cell, 0.25, "nut")
    cell.step(np.zeros(3), 0.08)
    assert cell.touched_by_arm() == set()
