"""Worker processes that share the jobs of a proof; which worker does a job changes nothing about its result."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any

from trunnion_contract.errors import Broken
from trunnion_sim.examiner import Examiner, Job, Subject, single_threaded

_examiner: Examiner | None = None


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """A pool of processes, started anew (nothing is inherited but the subject), each with its own examiner."""

    def __init__(self, subject: Subject, count: int) -> None:
        self._pool = ProcessPoolExecutor(
            count, multiprocessing.get_context("spawn"), initializer=_open, initargs=(subject,)
        )

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def do(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, dict[str, Any]]]:
        """Each job with its result, as they are finished.

        Raises:
            Broken: a worker died.
        """
        futures = {self._pool.submit(_do, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            raise Broken(
                where="proving",
                got="a worker process that died",
                wanted="workers that live",
                next_step="see whether memory ran out; the same command goes on where it stopped",
            ) from None


def _open(subject: Subject) -> None:
    global _examiner
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    single_threaded()
    _examiner = Examiner(subject)


def _do(job: Job) -> dict[str, Any]:
    assert _examiner is not None, "the initializer ran"
    return _examiner.do(job)


def _end_with_parent() -> None:
    """A parent that is killed cannot shut its pool down."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
