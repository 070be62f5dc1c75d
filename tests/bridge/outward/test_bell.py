"""A ring is never lost, and a cancellation neither."""

from __future__ import annotations

import asyncio
import time

import pytest

from trunnion_bridge.outward.bell import Bell


def test_a_ring_before_the_wait_counts_once() -> None:
    async def run() -> float:
        bell, begin_s = Bell(), time.monotonic()
        bell.ring()
        await bell.wait(5.0)
        await bell.wait(0.05)
        return time.monotonic() - begin_s

    assert 0.05 <= asyncio.run(run()) < 2.0


def test_a_ring_and_a_cancellation_at_once_cancel() -> None:
    async def run() -> None:
        bell = Bell()
        task = asyncio.create_task(bell.wait(5.0))
        await asyncio.sleep(0)
        bell.ring()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
