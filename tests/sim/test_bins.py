"""What lies in the bins is what counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from trunnion_sim.bins import misplaced
from trunnion_sim.cell import SimulatedCell


@pytest.fixture(scope="module")
def cell() -> Iterator[SimulatedCell]:
    """A gear in bin A, and a bolt in the tray."""
    with SimulatedCell() as cell:
        cell.lay_out(["gear", "bolt"], np.random.default_rng(0))
        x, y, _ = cell.layout.bins["A"].center_base_m
        cell.world.put(cell.parts[0].body, (x, y, 0.03))
        yield cell


def test_nothing_is_wrong_where_the_bin_holds_the_order_and_the_others_nothing(cell: SimulatedCell) -> None:
    assert misplaced(cell, {"gear": 1}, "A") == ""


def test_a_part_in_another_bin_and_one_that_is_missing_are_named(cell: SimulatedCell) -> None:
    assert (
        misplaced(cell, {"gear": 1}, "B")
        == "bin A holds 1 gear and not nothing; bin B holds nothing and not 1 gear"
    )
    assert misplaced(cell, {"gear": 1, "bolt": 2}, "A") == "bin A holds 1 gear and not 2 bolt, 1 gear"
