"""Tells the audit log to those who listen to it: what is done through any bridge of the database, or its command."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.access.audit import AuditLog
from trunnion_bridge.feed import Feed

TOPIC = "audit"
_PAGE = 200
_LOOK_S = 1.0
_log = logging.getLogger("trunnion.bridge")


class AuditFeed:
    """Looks for new entries once a second, while somebody listens. Lives on the event loop."""

    def __init__(self, log: AuditLog, feed: Feed, look_s: float = _LOOK_S) -> None:
        self._log = log
        self._feed = feed
        self._look_s = look_s
        self._at: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="audit")

    async def stop(self) -> None:
        """Tell no more."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def begin(self) -> None:
        """Somebody listens from now on, and hears what is entered after this."""
        latest = await asyncio.to_thread(self._log.latest)
        self._at = latest if self._at is None else self._at

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            if not self._feed.is_heard(TOPIC):
                self._at = None
                continue
            try:
                while self._at is not None and await self._pass_on(self._at):
                    pass
            except SQLAlchemyError as error:
                _log.warning("the audit log cannot be read: %s", type(error).__name__)

    async def _pass_on(self, after: int) -> bool:
        entries = await asyncio.to_thread(self._log.after, after, _PAGE)
        for entry in entries:
            self._at = entry.number
            self._feed.publish(TOPIC, entry.model_dump(mode="json"))
        return len(entries) == _PAGE
