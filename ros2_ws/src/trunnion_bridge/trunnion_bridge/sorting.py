"""An order in the hands of the sorter."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from trunnion_bridge.timeouts import within


class SortAccepted(NamedTuple):
    """The sorter has taken the order."""


class SortUpdate(NamedTuple):
    """How far the sorter is with an order."""

    phase: str
    part: str
    sorted_parts: int
    message: str


class SortOutcome(NamedTuple):
    """How an order ended: succeeded, failed, cancelled, refused (not taken) or unknown (forgotten)."""

    kind: str
    sorted_parts: int
    message: str


SortNews = SortAccepted | SortUpdate | SortOutcome


class SortRun:
    """Updates as they come, the outcome last. Lives on the event loop."""

    UPDATES_MAX = 64

    def __init__(self) -> None:
        self._queue: asyncio.Queue[SortNews] = asyncio.Queue()

    def tell(self, item: SortNews) -> None:
        """Add what the sorter said; updates that nobody takes are dropped, the answer and the outcome never."""
        if not isinstance(item, SortUpdate) or self._queue.qsize() < self.UPDATES_MAX:
            self._queue.put_nowait(item)

    async def next(self, timeout_s: float) -> SortNews | None:
        """What comes next; None when nothing came within `timeout_s`."""
        try:
            return await within(timeout_s, self._queue.get())
        except TimeoutError:
            return None
