"""Orders: what the cell cannot do is refused with what it can."""

from __future__ import annotations

import pytest

from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput
from trunnion_edge.orders import OrderLine, check_order


@pytest.mark.parametrize(
    ("lines", "bin_name", "message"),
    [
        ([OrderLine("cog", 1)], "A", "the order: parts: got 'cog', wanted one of gear, bolt, nut"),
        ([OrderLine("gear", -1)], "A", "the order: quantities: got -1 of 'gear', wanted 1 or more"),
        ([OrderLine("gear", 0)], "A", "got 0 of 'gear'"),
        ([OrderLine("gear", 10_000)], "A", "the order: quantities: got 10000 parts, wanted 100 or fewer"),
        ([OrderLine("gear", 60), OrderLine("nut", 60)], "A", "got 120 parts"),
        ([], "A", "the order: parts: got none, wanted at least one"),
        ([OrderLine("gear", 1)], "C", "the order: bin: got 'C', wanted one of A, B"),
    ],
)
def test_an_order_that_cannot_be_done_is_refused(
    cell: CellLayout, lines: list[OrderLine], bin_name: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        check_order(cell, lines, bin_name)


def test_an_order_of_all_that_there_is_may_be_as_large_as_the_cell_allows(cell: CellLayout) -> None:
    check_order(cell, [OrderLine("gear", 50), OrderLine("nut", 50)], "B")
