"""Changes of orders, whichever bridge has written them, told to all who listen at this one: each once, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.feed import Feed
from trunnion_bridge.models import Order
from trunnion_bridge.store import Store
from trunnion_bridge.timeouts import within

_PAGE = 200
_LOOK_S = 1.0  # for what was written while nobody could be told
_log = logging.getLogger("trunnion.bridge")


class Relay:
    """Reads the events of the database from where it started, and is the only one that tells the feed of orders."""

    def __init__(
        self, store: Store, feed: Feed, hear: Callable[[Order], object], look_s: float = _LOOK_S
    ) -> None:
        self._store = store
        self._feed = feed
        self._hear = hear
        self._look_s = look_s
        self._at = 0
        self._written = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.well = True

    @property
    def alive(self) -> bool:
        """Whether changes are told."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Begin after the latest event."""
        self._loop = asyncio.get_running_loop()
        self._at = await asyncio.to_thread(self._store.latest)
        self._task = asyncio.create_task(self._run(), name="relay")

    async def stop(self) -> None:
        """Tell no more."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def ring(self, *_: object) -> None:
        """There may be something new; from any thread."""
        if self._loop is None:
            return
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._written.set)

    async def _run(self) -> None:
        while True:
            self._written.clear()
            try:
                while await self._pass_on():
                    pass
                self.well = True
            except SQLAlchemyError as error:
                if self.well:
                    _log.warning("changes of orders cannot be read: %s", type(error).__name__)
                self.well = False
            with suppress(TimeoutError):
                await within(self._look_s, self._written.wait())

    async def _pass_on(self) -> bool:
        """Tell what is new; whether there was anything."""
        events = await asyncio.to_thread(self._store.events_after, self._at, _PAGE)
        if (
            events is None
        ):  # too far behind, or the orders are those of a backup: listeners come back and are told so
            self._at = await asyncio.to_thread(self._store.latest)
            self._feed.let_go()
            return False
        for event_id, order in events:
            self._at = event_id
            self._feed.publish("order", order.model_dump(mode="json"), event=event_id)
            self._hear(order)
        return bool(events)
