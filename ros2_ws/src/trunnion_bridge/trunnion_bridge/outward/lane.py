"""Brings one webhook what waits for it: a few orders at a time, and the events of an order one after the other."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.outward.attempt import Outcome
from trunnion_bridge.outward.backoff import Backoff
from trunnion_bridge.outward.bell import Bell
from trunnion_bridge.outward.cloudevent import order_event
from trunnion_bridge.outward.outbox import Outbox
from trunnion_bridge.outward.tables import DeliveryRow
from trunnion_bridge.problem import Refused

AT_ONCE = 4
_TRY_AGAIN_S = 1.0
_log = logging.getLogger("trunnion.bridge")
Send = Callable[[tuple[str, str]], Awaitable[Outcome]]


class Lane:
    """Runs until it is cancelled; `send` posts a message, an id and a body, to the webhook's receiver."""

    def __init__(
        self,
        webhook_id: str,
        outbox: Outbox,
        send: Send,
        backoff: Backoff,
        rng: random.Random,
        on_outcome: Callable[[bool], object] = lambda _: None,
        look_s: float = 1.0,
    ) -> None:
        self._webhook_id = webhook_id
        self._outbox = outbox
        self._send = send
        self._backoff = backoff
        self._rng = rng
        self._on_outcome = on_outcome
        self._look_s = look_s
        self._under_way: dict[int, asyncio.Task[None]] = {}  # by the number of the order
        self._bell = Bell()

    def wake(self) -> None:
        """There may be something new."""
        self._bell.ring()

    async def run(self) -> None:
        """Deliver; what is under way when this is cancelled is delivered again at the next start."""
        try:
            while True:
                try:
                    await self._fill()
                except SQLAlchemyError:
                    _log.exception("what waits for webhook %s cannot be read; trying again", self._webhook_id)
                # What is due again, or was written by another bridge, rings no bell.
                await self._bell.wait(self._look_s)
        finally:
            tasks = list(self._under_way.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _fill(self) -> None:
        free = AT_ONCE - len(self._under_way)
        if free <= 0:
            return
        rows = await asyncio.to_thread(self._outbox.due, self._webhook_id, free, tuple(self._under_way))
        for row in rows:
            task = asyncio.create_task(self._deliver(row), name=f"webhook {self._webhook_id}")
            self._under_way[row.order_number] = task

    async def _deliver(self, row: DeliveryRow) -> None:
        try:
            await self._note(row, await self._send(order_event(row)))
        except Refused:
            _log.info("webhook %s was deleted while event %d was under way", self._webhook_id, row.event)
        except Exception:  # it stays due: told twice is better than not told
            _log.exception("event %d for webhook %s broke; trying again", row.event, self._webhook_id)
            await asyncio.sleep(_TRY_AGAIN_S)
        finally:
            self._under_way.pop(row.order_number, None)
            self.wake()

    async def _note(self, row: DeliveryRow, outcome: Outcome) -> None:
        self._on_outcome(outcome.is_delivered)
        if outcome.is_delivered:
            await asyncio.to_thread(self._outbox.delivered, row)
        elif outcome.is_gone:
            await asyncio.to_thread(self._outbox.gone, row, f"{outcome.words}: it wants no more")
        else:
            wait_s = self._backoff.wait_s(row.attempts + 1, self._rng, outcome.retry_after_s)
            await asyncio.to_thread(self._outbox.failed, row, outcome.words, wait_s)
