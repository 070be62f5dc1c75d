"""What one listener is told: a snapshot, or what happened since the event that it heard last; then what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from trunnion_bridge.bridge import Bridge
from trunnion_bridge.feed import Message

_ORDERS_SHOWN = 20
_PAGE = 200


async def messages(bridge: Bridge, after: int | None) -> AsyncGenerator[Message]:
    """Messages without end; with `after`, changes of orders from the one after that id, each once.

    Raises:
        TooSlow: the listener does not keep up; it may come back with the id of the last event that it heard.
    """
    with bridge.feed.listener() as outbox:
        # Drawn now: what happens while the snapshot is made comes after it, and may be in it already.
        seq = bridge.feed.number()
        heard = after
        if after is not None:
            while (page := await _changes(bridge, heard or 0)) is not None and page:
                for message in page:
                    yield message
                heard = page[-1].event
            heard = heard if page is not None else None
        if heard is None:
            snapshot = await _snapshot(bridge, seq, is_gap=after is not None)
            heard = snapshot.event or 0
            yield snapshot
        while True:
            message = await outbox.take()
            if message.event is None or message.event > heard:
                heard = message.event or heard
                yield message


async def _changes(bridge: Bridge, after: int) -> list[Message] | None:
    """The next changes after an event; None when they are not all retained."""
    events = await asyncio.to_thread(bridge.store.events_after, after, _PAGE)
    if events is None:
        return None
    return [
        bridge.feed.message("order", order.model_dump(mode="json"), event=event_id)
        for event_id, order in events
    ]


async def _snapshot(bridge: Bridge, seq: int, is_gap: bool) -> Message:
    latest, orders = await asyncio.to_thread(bridge.store.newest, _ORDERS_SHOWN)
    state = await asyncio.to_thread(bridge.state)
    data: dict[str, Any] = {
        "state": state.model_dump(mode="json"),
        "orders": [order.model_dump(mode="json") for order in orders],
        "gap": is_gap,
    }
    return bridge.feed.message("snapshot", data, seq, event=latest)
