"""Every change of an order: first written to the store, then read from there and told, see `relay`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge import tracing
from trunnion_bridge.database import Busy
from trunnion_bridge.lifecycle import ENDED
from trunnion_bridge.models import Order, OrderDetail, OrderRequest, OrderState
from trunnion_bridge.store import Store

_log = logging.getLogger("trunnion.bridge")
_TRY_AGAIN_S = 1.0
_TURN_MAX_S = 5.0


class Ledger:
    """The store as the event loop sees it. A change that does not apply any more gives None.

    Changes take turns, for the database takes one at a time; one that has waited for too long is not made (Busy).
    """

    def __init__(
        self,
        store: Store,
        on_change: Callable[[], object],
        on_end: Callable[[Order], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._on_change = on_change
        self._on_end = on_end
        self._turn = asyncio.Lock()

    async def post(self, request: OrderRequest, key: str | None, queued_max: int) -> tuple[Order, bool]:
        """Add an order to the queue, see Store.create."""
        async with self._in_turn():
            order, is_new = await asyncio.to_thread(self._store.create, request, key, queued_max)
            if is_new:
                self._tell(order)
        return order, is_new

    async def get(self, order_id: str) -> OrderDetail | None:
        """The order with its history."""
        return await asyncio.to_thread(self._store.get, order_id)

    async def next_up(self) -> Order | None:
        """The order whose turn it is."""
        return await asyncio.to_thread(self._store.next_up)

    async def hand_over(self, order_id: str) -> Order | None:
        """From queued to starting."""
        return await self._change(self._store.hand_over, order_id)

    async def start(self, order_id: str) -> Order | None:
        """From starting to running."""
        return await self._change(self._store.start, order_id)

    async def note(self, order_id: str, message: str) -> Order | None:
        """News of an order that has not ended."""
        return await self._change(self._store.note, order_id, message)

    async def progress(
        self, order_id: str, *, phase: str, part: str, sorted_parts: int, message: str
    ) -> Order | None:
        """How far a running order is."""
        write = partial(
            self._store.progress, phase=phase, part=part, sorted_parts=sorted_parts, message=message
        )
        return await self._change(write, order_id)

    async def finish(
        self, order_id: str, state: OrderState, message: str, sorted_parts: int | None = None
    ) -> Order | None:
        """End an order. How it ended is known only here: while the store fails, it is kept and written again."""
        while True:
            try:
                return await self._change(self._store.finish, order_id, state, message, sorted_parts)
            except SQLAlchemyError:
                _log.exception("the end of order %s cannot be written; trying again", order_id)
                await asyncio.sleep(_TRY_AGAIN_S)

    async def cancel(self, order_id: str) -> Order | None:
        """End an order that waits; one that the sorter may have is marked."""
        return await self._change(self._store.cancel, order_id)

    async def expire(self) -> list[Order]:
        """End orders whose deadline passed while they waited."""
        return await self._change_all(self._store.expire)

    async def fail_running(self, message: str) -> list[Order]:
        """End orders that nobody looks after any more."""
        return await self._change_all(partial(self._store.fail_running, message))

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        try:
            await asyncio.wait_for(self._turn.acquire(), _TURN_MAX_S)
        except TimeoutError:
            raise Busy from None
        try:
            yield
        finally:
            self._turn.release()

    async def _change_all(self, write: Callable[[], list[Order]]) -> list[Order]:
        async with self._in_turn():
            orders = await asyncio.to_thread(write)
            for order in orders:
                self._tell(order)
        return orders

    async def _change(self, write: Callable[..., Order | None], *arguments: object) -> Order | None:
        async with self._in_turn():
            return self._tell(await asyncio.to_thread(write, *arguments))

    def _tell(self, order: Order | None) -> Order | None:
        if order:
            said = (order.number, order.state, order.message)
            _log.info("order %d, %s: %s", *said, extra={"order_id": order.id})
            self._on_change()
            if order.state in ENDED:
                tracing.ended(order.state, order.message)
                self._on_end(order)
        return order
