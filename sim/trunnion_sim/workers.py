"""Worker processes that share the jobs of a proof; which worker does a job changes nothing about its result."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from typing import Any

from trunnion_contract.errors import Broken
from trunnion_contract.workers import worker_pool
from trunnion_sim.examiner import Examiner, Job, Subject, single_threaded

_examiner: Examiner | None = None


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """A pool of processes, started anew (nothing is inherited but the subject), each with its own examiner."""

    def __init__(self, subject: Subject, count: int) -> None:
        self._running = ExitStack()
        self._pool = self._running.enter_context(worker_pool(count, _open, subject))

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._running.close()

    def do(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, dict[str, Any]]]:
        """Each job with its result, as they are finished.

        Raises:
            Broken: a worker died.
        """
        try:
            futures = {self._pool.submit(_do, job): job for job in jobs}
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
    single_threaded()
    _examiner = Examiner(subject)


def _do(job: Job) -> dict[str, Any]:
    assert _examiner is not None, "the initializer ran"
    return _examiner.do(job)
