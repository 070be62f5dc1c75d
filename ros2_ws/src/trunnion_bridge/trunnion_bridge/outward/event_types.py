"""The types of events that webhooks tell of, as CloudEvents name them."""

from __future__ import annotations

from typing import Literal, get_args

from trunnion_bridge.models import OrderState

EventType = Literal[
    "trunnion.order.queued",
    "trunnion.order.starting",
    "trunnion.order.running",
    "trunnion.order.progressed",
    "trunnion.order.succeeded",
    "trunnion.order.failed",
    "trunnion.order.cancelled",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
PING = "trunnion.ping"


def type_of(state: OrderState, state_before: OrderState | None) -> EventType:
    """The type of a change: the state that an order came to, or `progressed` where it stayed in its own."""
    if state == state_before:
        return "trunnion.order.progressed"
    return _OF_STATE[state]


_OF_STATE: dict[OrderState, EventType] = {
    "queued": "trunnion.order.queued",
    "starting": "trunnion.order.starting",
    "running": "trunnion.order.running",
    "succeeded": "trunnion.order.succeeded",
    "failed": "trunnion.order.failed",
    "cancelled": "trunnion.order.cancelled",
}
