"""Processes that read and write the many files of a dataset: started once, when the first work for them comes.

They are of this machine, even where a cluster is named: the files are here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TypeVar

from trunnion_contract.workers import local_pool, own_cores

# Starting a process costs as much as looking at some hundred files.
_FILES_FOR_A_POOL = 600
_FILES_AT_ONCE = 128
# Handed to each process beforehand, so that none waits; what is ahead of the reader stays bounded.
_JOBS_AHEAD = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Workers:
    """As many processes as there are cores; they end with the stack."""

    def __init__(self, stack: ExitStack, count: int) -> None:
        self._stack, self.count = stack, count
        self._pool: Executor | None = None

    def pool(self) -> Executor:
        """The processes, started by the first call."""
        if self._pool is None:
            self._pool = self._stack.enter_context(local_pool(self.count))
        return self._pool


_CURRENT: ContextVar[_Workers | None] = ContextVar("file_workers", default=None)


@contextmanager
def file_workers(count: int | None = None) -> Iterator[None]:
    """Within the block all calls of `in_order` share the same processes, as many as cores if `count` is left out."""
    with ExitStack() as stack:
        token = _CURRENT.set(_Workers(stack, count or own_cores()))
        try:
            yield
        finally:
            _CURRENT.reset(token)


def in_order(work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]) -> Iterator[Result]:
    """What `work` makes of each item, in their order; few items are worked on in this process."""
    workers = _CURRENT.get()
    if workers is None:
        with file_workers():
            yield from in_order(work, items)
        return
    batches = (items[start : start + _FILES_AT_ONCE] for start in range(0, len(items), _FILES_AT_ONCE))
    if len(items) < _FILES_FOR_A_POOL or workers.count < 2:
        for batch in batches:
            yield from work(batch)
        return
    pool = workers.pool()
    waiting = [pool.submit(work, batch) for batch in islice(batches, workers.count * _JOBS_AHEAD)]
    while waiting:
        done = waiting.pop(0).result()
        waiting += [pool.submit(work, batch) for batch in islice(batches, 1)]
        yield from done
