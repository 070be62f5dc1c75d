"""What one listener is told: a snapshot, or what happened since the event that it heard last; then what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from trunnion_bridge.access import audit_feed
from trunnion_bridge.access.topics import USUAL
from trunnion_bridge.bridge import Bridge
from trunnion_bridge.feed import Message

_ORDERS_SHOWN = 20
_PAGE = 200


async def messages(
    bridge: Bridge, after: int | None, topics: frozenset[str] = USUAL
) -> AsyncGenerator[Message]:
    """Messages without end on some topics; with `after`, changes of orders from the one after that id, each once.

    Raises:
        TooSlow: the listener does not keep up; it may come back with the id of the last event that it heard.
    """
    after = after if "order" in topics else None
    with bridge.feed.listener(topics) as outbox:
        if audit_feed.TOPIC in topics:
            await bridge.audit_feed.begin()
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
            snapshot = await _snapshot(bridge, seq, topics, is_gap=after is not None)
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


async def _snapshot(bridge: Bridge, seq: int, topics: frozenset[str], is_gap: bool) -> Message:
    data: dict[str, Any] = {"gap": is_gap}
    latest = None
    if "order" in topics:
        latest, orders = await asyncio.to_thread(bridge.store.newest, _ORDERS_SHOWN)
        data["orders"] = [order.model_dump(mode="json") for order in orders]
    if "state" in topics:
        data["state"] = (await asyncio.to_thread(bridge.state)).model_dump(mode="json")
    return bridge.feed.message("snapshot", data, seq, event=latest)
