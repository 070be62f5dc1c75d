"""What a receiver heard, held against what happened: all of it, and in order for each order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Deliveries(NamedTuple):
    """How the events of all orders were told.

    Attributes:
        events: those that there were to tell.
        missing: events that the receiver never took.
        out_of_order: events that were told before the one ahead of them, of the same order, was taken.
        strangers: messages about no event that there was, or that the bridge did not sign.
        redelivered: messages that the receiver had taken before.
        refused: messages that it answered with an error.
    """

    events: int
    missing: int
    out_of_order: int
    strangers: int
    redelivered: int
    refused: int

    @property
    def are_right(self) -> bool:
        """Whether each event was told at least once, in order for each order, and nothing else was."""
        return not (self.missing or self.out_of_order or self.strangers)


def held_against(events: Mapping[str, Sequence[int]], heard: Iterable[str]) -> Deliveries:
    """`events` are the ids of each order's events, in order; `heard` the lines of the receiver's journal."""
    ahead = {
        f"{order_id}.{event}": f"{order_id}.{before}" if before is not None else None
        for order_id, ids in events.items()
        for before, event in zip((None, *ids), ids, strict=False)
    }
    counts: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    early: set[str] = set()
    for verdict, message_id in map(str.split, heard):
        if message_id not in ahead:
            counts["stranger"] += 1
            continue
        before = ahead[message_id]
        if before is not None and not taken[before]:
            early.add(message_id)
        counts[verdict] += 1
        taken[message_id] += verdict == "taken"
    told = sum(count > 0 for count in taken.values())
    return Deliveries(
        events=len(ahead),
        missing=len(ahead) - told,
        out_of_order=len(early),
        strangers=counts["stranger"],
        redelivered=counts["taken"] - told,
        refused=counts["refused"],
    )
