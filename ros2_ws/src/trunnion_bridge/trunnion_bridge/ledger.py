"""Every change of an order: first written to the store, then told to all who listen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.feed import Feed
from trunnion_bridge.models import ENDED, Order, OrderDetail, OrderRequest, OrderState
from trunnion_bridge.store import Store

_log = logging.getLogger("trunnion.bridge")
_TRY_AGAIN_S = 1.0


class Ledger:
    """The store as the event loop sees it. A change that does not apply any more gives None."""

    def __init__(self, store: Store, feed: Feed, on_end: Callable[[Order], None] = lambda _: None) -> None:
        self._store = store
        self._feed = feed
        self._on_end = on_end

    async def post(self, request: OrderRequest, key: str | None, queued_max: int) -> tuple[Order, bool]:
        """Add an order to the queue, see Store.create."""
        order, is_new = await asyncio.to_thread(self._store.create, request, key, queued_max)
        if is_new:
            self._tell(order)
        return order, is_new

    async def get(self, order_id: str) -> OrderDetail | None:
        """The order with its history."""
        return await asyncio.to_thread(self._store.get, order_id)

    async def next_queued(self) -> Order | None:
        """The order whose turn it is."""
        return await asyncio.to_thread(self._store.next_queued)

    async def start(self, order_id: str) -> Order | None:
        """From queued to running."""
        return self._tell(await asyncio.to_thread(self._store.start, order_id))

    async def note(self, order_id: str, message: str) -> Order | None:
        """News of an order that has not ended."""
        return self._tell(await asyncio.to_thread(self._store.note, order_id, message))

    async def progress(
        self, order_id: str, *, phase: str, part: str, sorted_parts: int, message: str
    ) -> Order | None:
        """How far a running order is."""
        order = await asyncio.to_thread(
            self._store.progress, order_id, phase=phase, part=part, sorted_parts=sorted_parts, message=message
        )
        return self._tell(order)

    async def finish(
        self, order_id: str, state: OrderState, message: str, sorted_parts: int | None = None
    ) -> Order | None:
        """End an order. How it ended is known only here: while the store fails, it is kept and written again."""
        while True:
            try:
                order = await asyncio.to_thread(self._store.finish, order_id, state, message, sorted_parts)
            except SQLAlchemyError:
                _log.exception("the end of order %s cannot be written; trying again", order_id)
                await asyncio.sleep(_TRY_AGAIN_S)
            else:
                return self._tell(order)

    async def cancel_queued(self, order_id: str) -> Order | None:
        """End an order that has not begun."""
        return self._tell(await asyncio.to_thread(self._store.cancel_queued, order_id))

    async def fail_running(self, message: str) -> list[Order]:
        """End orders that nobody looks after any more."""
        orders = await asyncio.to_thread(self._store.fail_running, message)
        for order in orders:
            self._tell(order)
        return orders

    def _tell(self, order: Order | None) -> Order | None:
        if order:
            self._feed.publish("order", order.model_dump(mode="json"))
            if order.state in ENDED:
                self._on_end(order)
        return order
