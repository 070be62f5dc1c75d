"""Wakes a task that looks after something now and then."""

from __future__ import annotations

import asyncio


class Bell:
    """Remembers that it rang until somebody has waited for it. On the loop."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits, or whoever waits next."""
        self._rung.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when it rang, at the latest after `timeout_s`.

        Not by `asyncio.wait_for`, which before Python 3.12 swallows a cancellation that comes together with the ring.
        """
        waiting = asyncio.ensure_future(self._rung.wait())
        try:
            await asyncio.wait((waiting,), timeout=timeout_s)
        finally:
            waiting.cancel()
        self._rung.clear()
