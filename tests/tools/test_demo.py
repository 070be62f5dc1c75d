"""What `trunnion demo --keep` does after its order."""

from __future__ import annotations

import pytest
from rich.console import Console

from trunnion.demo import stay
from trunnion_contract.errors import ExitCode


class CellThatEnds:
    """A cell whose processes are gone after some looks at it."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def process_ids(self) -> list[int]:
        self.looks -= 1
        return [1] if self.looks >= 0 else []

    def poll(self) -> list[object]:
        return []


@pytest.mark.parametrize("ordered", [ExitCode.OK, ExitCode.GATES_FAILED])
def test_the_cell_is_kept_however_the_order_ended(ordered):
    cell = CellThatEnds(looks=2)
    assert stay(cell, Console(quiet=True), ordered) == ordered
    assert cell.looks < 0
