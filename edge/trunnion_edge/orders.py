"""What may be ordered of a sorting cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput


@dataclass(frozen=True)
class OrderLine:
    """So many parts of one label."""

    label: str
    quantity: int


def check_order(cell: CellLayout, lines: Sequence[OrderLine], bin_name: str, parts_max: int = 100) -> None:
    """Refuse an order that the cell cannot do.

    Raises:
        BadInput: an unknown part or bin, no parts, a quantity below 1, or more than `parts_max` parts in all.
    """
    if bin_name not in cell.bins:
        raise _refused("bin", f"'{bin_name}'", f"one of {', '.join(cell.bins)}")
    if not lines:
        raise _refused("parts", "none", "at least one")
    for line in lines:
        if line.label not in cell.part_heights_m:
            raise _refused("parts", f"'{line.label}'", f"one of {', '.join(cell.part_heights_m)}")
        if line.quantity < 1:
            raise _refused("quantities", f"{line.quantity} of '{line.label}'", "1 or more")
    if (total := sum(line.quantity for line in lines)) > parts_max:
        raise _refused("quantities", f"{total} parts", f"{parts_max} or fewer in one order")


def _refused(key: str, got: str, wanted: str) -> BadInput:
    return BadInput(
        where=f"the order: {key}", got=got, wanted=wanted, next_step="correct the order and send it again"
    )
