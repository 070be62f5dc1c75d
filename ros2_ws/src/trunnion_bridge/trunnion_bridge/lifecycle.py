"""The states of an order, and which may follow which. A change is written down before anything is done about it."""

from __future__ import annotations

from collections.abc import Mapping

from trunnion_bridge.models import OrderState

# `starting`: the order is being given to the sorter, which may have it already and not have answered yet.
FOLLOWS: Mapping[OrderState, frozenset[OrderState]] = {
    "queued": frozenset({"starting", "failed", "cancelled"}),
    "starting": frozenset({"running", "succeeded", "failed", "cancelled"}),
    "running": frozenset({"succeeded", "failed", "cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
STATES: tuple[OrderState, ...] = tuple(FOLLOWS)
ENDED: frozenset[OrderState] = frozenset(state for state, follows in FOLLOWS.items() if not follows)
WITH_THE_SORTER: tuple[OrderState, ...] = ("starting", "running")


def before(state: OrderState) -> tuple[OrderState, ...]:
    """The states that `state` may follow."""
    return tuple(earlier for earlier, follows in FOLLOWS.items() if state in follows)
