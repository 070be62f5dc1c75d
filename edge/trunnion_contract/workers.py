"""Processes that share work: on this machine, or on the cluster that `RAY_ADDRESS` names.

Those of this machine are started anew, deaf to Ctrl-C, gone when their parent is. They are the default, because they
are there in a second and need nothing else. Those of a cluster come from the package that stands behind the entry point
group `trunnion.workers`; nothing here knows it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.metadata import entry_points
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any

from trunnion_contract.errors import BadInput, Broken

# Names a cluster; `local` starts one of this machine's own.
RAY_ADDRESS, HERE = "RAY_ADDRESS", "local"
# A job over which this many workers died is taken for the cause of it.
DEATHS_MAX = 3
_ENTRY_POINTS = "trunnion.workers"
# Of a worker, that the others leave to it.
_cores_of_worker: int | None = None


def begin_work(cores: int = 1) -> None:
    """This process is a worker from now on: what it starts itself has these cores, and its neighbours the others."""
    global _cores_of_worker
    _cores_of_worker = cores


def own_cores() -> int:
    """CPU cores of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_cores() -> int:
    """CPU cores that workers may use: this machine's, or the cluster's; its own in a worker.

    Raises:
        BadInput: a cluster is named and cannot be reached.
    """
    if _cores_of_worker is not None:
        return _cores_of_worker
    return int(_cluster().cores()) if os.environ.get(RAY_ADDRESS) else own_cores()


@contextmanager
def worker_pool(
    count: int, prepare: Callable[..., None] | None = None, *arguments: object
) -> Iterator[Executor]:
    """A pool of `count` workers, here or on the cluster, each of which calls `prepare(*arguments)` first.

    On this machine, a worker that dies breaks its pool. On a cluster its job is done again by another one.

    Raises:
        BadInput: a cluster is named and cannot be reached.
        Broken: a worker of this machine died, and the block did not see to it.
    """
    pool = _cluster().pool if os.environ.get(RAY_ADDRESS) else local_pool
    with pool(count, prepare, *arguments) as workers:
        try:
            yield workers
        except BrokenProcessPool:
            raise Broken(
                where=f"{count} worker processes",
                got="one that died",
                wanted="workers that live",
                next_step="see whether memory ran out; the same command goes on where it stopped",
            ) from None


def _cluster() -> Any:
    """The module that reaches a cluster."""
    for entry in entry_points(group=_ENTRY_POINTS, name="ray"):
        return entry.load()
    raise BadInput(
        where=f"{RAY_ADDRESS}={os.environ[RAY_ADDRESS]}",
        got="an installation without the part that reaches a cluster",
        wanted="trunnion-training beside this",
        next_step=f"install it, or unset {RAY_ADDRESS}",
    )


@contextmanager
def local_pool(
    count: int, prepare: Callable[..., None] | None = None, *arguments: object
) -> Iterator[ProcessPoolExecutor]:
    """A pool of `count` fresh interpreters on this machine, even where a cluster is named.

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
    begin_work()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if prepare:
        prepare(*arguments)


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
