"""Worker processes that share the jobs of a proof; which worker does a job changes nothing about its result.

A worker of this machine that dies takes its pool with it. The pool is then started anew, and the jobs that were under
way are done again; a result that was handed on is never asked for twice. The pool of a cluster does that by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import chain, islice
from typing import Any

from trunnion_contract.errors import Broken
from trunnion_contract.workers import DEATHS_MAX, worker_pool
from trunnion_sim.examiner import Examiner, Job, Subject, single_threaded

Result = dict[str, Any]
_examiner: Examiner | None = None


class Workers:
    """A pool of processes, started anew (nothing is inherited but the subject), each with its own examiner."""

    def __init__(self, subject: Subject, count: int) -> None:
        self._subject, self._count = subject, count
        self._running = ExitStack()
        self._pool = self._running.enter_context(worker_pool(count, _open, subject))

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._running.close()

    def do(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Result]]:
        """Each job with its result, once, as they are finished.

        Jobs are taken only when a worker is about to be free, so that `jobs` may end early on what was found.

        Raises:
            Broken: workers died again and again over the same job.
        """
        waiting, deaths = iter(jobs), Counter[Job]()
        under_way: dict[Future[Result], Job] = {}
        while True:
            # One more than there are workers, so that none waits for this process.
            for job in islice(waiting, self._count + 1 - len(under_way)):
                under_way[self._submit(job)] = job
            if not under_way:
                return
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            alive = [future for future in done if not isinstance(future.exception(), BrokenProcessPool)]
            for future in alive:
                yield under_way.pop(future), future.result()
            if len(alive) < len(done):
                lost = self._lost(under_way, deaths)
                under_way.clear()
                waiting = chain(lost, waiting)

    def _submit(self, job: Job) -> Future[Result]:
        try:
            return self._pool.submit(_do, job)
        except BrokenProcessPool as error:
            # Died between two jobs; treated like one that died over this job.
            broken: Future[Result] = Future()
            broken.set_exception(error)
            return broken

    def _lost(self, under_way: dict[Future[Result], Job], deaths: Counter[Job]) -> list[Job]:
        """The jobs to be done again, by a pool that was started anew."""
        lost = list(under_way.values())
        deaths.update(lost)
        if max(deaths.values()) >= DEATHS_MAX:
            worst = ", ".join(job.key for job in lost if deaths[job] >= DEATHS_MAX)
            raise Broken(
                where="proving",
                got=f"worker processes that died {DEATHS_MAX} times over: {worst}",
                wanted="workers that live",
                next_step="see whether memory ran out; the same command goes on where it stopped",
            )
        self._running.close()
        self._pool = self._running.enter_context(worker_pool(self._count, _open, self._subject))
        return lost


def _open(subject: Subject) -> None:
    global _examiner
    single_threaded()
    _examiner = Examiner(subject)


def _do(job: Job) -> Result:
    assert _examiner is not None, "the initializer ran"
    return _examiner.do(job)
