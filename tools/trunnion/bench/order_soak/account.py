"""Orders, counted when all is over: how many were lost, how many were begun twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trunnion.bench.order_soak.caller import Caller

ENDED = ("succeeded", "failed", "cancelled")


class Account(NamedTuple):
    """What came of the orders.

    Attributes:
        lost: orders that are not there, have not ended, have ended twice, or have succeeded without being begun.
        doubled: orders that the sorter began twice.
        events: the ids of each order's events.
    """

    succeeded: int
    lost: int
    doubled: int
    events: Mapping[str, Sequence[int]]


def account(caller: Caller, wanted: int, posted: Sequence[str], begun: Sequence[str]) -> Account:
    """Ask for each order that was `posted`; `begun` are the ids that the sorter noted, once for each beginning."""
    orders = {order_id: caller.ask("GET", f"/v1/orders/{order_id}").json() for order_id in posted}
    times = Counter(begun)
    right = sum(_ended_once(order, times[order_id]) for order_id, order in orders.items())
    return Account(
        succeeded=sum(order.get("state") == "succeeded" for order in orders.values()),
        lost=wanted - right,
        doubled=sum(count > 1 for count in times.values()),
        events={
            order_id: [event["id"] for event in order.get("events", ())] for order_id, order in orders.items()
        },
    )


def _ended_once(order: Mapping[str, Any], begun: int) -> bool:
    ends = [event for event in order.get("events", ()) if event["state"] in ENDED]
    return len(ends) == 1 and (begun > 0 or order["state"] != "succeeded")
