"""Wakes a task that looks after something now and then."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from trunnion_bridge.timeouts import within


class Bell:
    """Remembers that it rang until somebody has waited for it. On the loop."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits, or whoever waits next."""
        self._rung.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when it rang, at the latest after `timeout_s`."""
        with suppress(TimeoutError):
            await within(timeout_s, self._rung.wait())
        self._rung.clear()
