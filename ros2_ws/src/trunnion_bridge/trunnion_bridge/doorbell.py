"""Wakes the event loop from another thread without flooding it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress


class Doorbell:
    """However often it rings before the loop looks, the loop is woken once."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._ringing = False
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake all who wait; from any thread. Does nothing when nobody waits."""
        if not self._waiting or self._loop is None:
            return
        with self._lock:
            if self._ringing:
                return
            self._ringing = True
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be woken
            self._loop.call_soon_threadsafe(self._open)

    async def wait(self, timeout_s: float) -> bool:
        """Whether it rang within `timeout_s`; on the loop."""
        self._loop = asyncio.get_running_loop()
        future = self._loop.create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait((future,), timeout=timeout_s)
            return future.done()
        finally:
            self._waiting.discard(future)

    def _open(self) -> None:
        with self._lock:
            self._ringing = False
        for future in list(self._waiting):
            if not future.done():
                future.set_result(None)
