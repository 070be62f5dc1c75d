"""Waiting for no longer than a while."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(timeout_s: float, awaited: Coroutine[Any, Any, T]) -> T:
    """What `awaited` gives, if it does so in time.

    `asyncio.wait_for` swallows, before Python 3.12, a cancellation that comes together with the result: a task that is
    told to end then goes on, and whoever waits for its end waits for ever.

    Raises:
        TimeoutError: it did not; it is cancelled.
    """
    task = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait((task,), timeout=timeout_s)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
