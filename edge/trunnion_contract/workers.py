"""Processes that share work: started anew, deaf to Ctrl-C, gone when their parent is."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait


@contextmanager
def worker_pool(
    count: int, prepare: Callable[..., None] | None = None, *arguments: object
) -> Iterator[ProcessPoolExecutor]:
    """A pool of `count` fresh interpreters, each of which calls `prepare(*arguments)` first.

    Fresh, because a forked simulator or torch inherits locks that nobody will release. Ctrl-C goes to the whole process
    group, but what becomes of the work is for the parent to decide: when the block ends, however it ends, what was not
    begun is dropped. A parent that is killed cannot end them, so they watch it.
    """
    context = get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(prepare, arguments))
    try:
        # A process is started with the first jobs, one for each, and loads for seconds before it could ignore anything.
        with _ctrl_c_held_back():
            for _ in range(count):
                pool.submit(int)
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Processes inherit the mask; a Ctrl-C meanwhile counts after the block.

    The mask is this thread's alone. Another one may take the signal, and Python then calls the handler here all the
    same, in the middle of handing a new process what it shall do: so the handler waits, too.
    """
    held: list[int] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, frame: held.append(number)) if is_main else None
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if held:
            signal.raise_signal(signal.SIGINT)


def _begin(prepare: Callable[..., None] | None, arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if prepare:
        prepare(*arguments)


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
