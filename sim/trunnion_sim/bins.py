"""What lies in the bins after an episode, held against what was ordered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from trunnion_sim.cell import SimulatedCell


def misplaced(cell: SimulatedCell, order: Mapping[str, int], bin_name: str) -> str:
    """Which bins do not hold what they should; nothing if `bin_name` holds the order and the others are empty."""
    where = [(cell.bin_of(part), part.kind.label) for part in cell.parts]
    held = {name: Counter(label for place, label in where if place == name) for name in cell.layout.bins}
    wanted = {name: Counter(order if name == bin_name else {}) for name in held}
    return "; ".join(
        f"bin {name} holds {_listed(held[name])} and not {_listed(wanted[name])}"
        for name in held
        if held[name] != wanted[name]
    )


def _listed(parts: Counter[str]) -> str:
    return ", ".join(f"{count} {label}" for label, count in sorted(parts.items())) or "nothing"
