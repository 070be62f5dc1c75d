"""Waiting ends in time, and never keeps a task from ending that was told to."""

from __future__ import annotations

import asyncio

import pytest

from trunnion_bridge.timeouts import within


async def _value(after_s: float) -> str:
    await asyncio.sleep(after_s)
    return "it"


def test_what_comes_in_time_is_given():
    assert asyncio.run(within(5.0, _value(0.0))) == "it"


def test_what_does_not_come_in_time_is_cancelled():
    ended = []

    async def slow() -> None:
        try:
            await asyncio.sleep(5.0)
        finally:
            ended.append(True)

    async def wait() -> None:
        with pytest.raises(TimeoutError):
            await within(0.01, slow())
        await asyncio.sleep(0)

    asyncio.run(wait())
    assert ended == [True]


def test_what_it_raises_is_raised():
    async def broken() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        asyncio.run(within(5.0, broken()))


def test_a_cancellation_that_comes_together_with_the_result_ends_the_task():
    went_on = []

    async def wait(given: asyncio.Event) -> None:
        await within(5.0, given.wait())
        went_on.append(True)

    async def both() -> None:
        given = asyncio.Event()
        task = asyncio.create_task(wait(given))
        for _ in range(3):
            await asyncio.sleep(0)
        given.set()
        await asyncio.sleep(0)  # the waiting is done, and the task is not told yet
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(both())
    assert went_on == []
