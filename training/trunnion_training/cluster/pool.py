"""Workers of a Ray cluster behind the interface of a local pool: see `trunnion_contract.workers.worker_pool`.

Jobs are Ray tasks and not actors: one whose process or node dies is done again wherever there is a free core, and
nobody waits for a machine that does not come back.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from trunnion_contract.errors import Broken, TrunnionError
from trunnion_contract.workers import DEATHS_MAX, HERE, RAY_ADDRESS, begin_work, own_cores
from trunnion_training.cluster.engine import engine

Prepare = Callable[..., None]
# Which pool this worker process was prepared for last.
_prepared_for = ""


@contextmanager
def pool(count: int, prepare: Prepare | None, *arguments: object) -> Iterator[Executor]:
    """`count` jobs at a time, each in a worker process that has called `prepare(*arguments)` first.

    Folders that are named in jobs must be seen by all nodes under the same path.
    """
    with engine(count):
        waiting = _RayPool(count, prepare, arguments)
        try:
            yield waiting
        finally:
            waiting.shutdown(cancel_futures=True)


def cores() -> int:
    """CPU cores of the cluster."""
    if os.environ.get(RAY_ADDRESS) == HERE:
        return own_cores()
    import ray

    with engine():
        return max(1, int(ray.cluster_resources().get("CPU", 1)))


class _RayPool(ThreadPoolExecutor):
    """Threads that wait for one Ray task each, so that no more are under way than were asked for."""

    def __init__(self, count: int, prepare: Prepare | None, arguments: tuple[object, ...]) -> None:
        import ray

        super().__init__(count, thread_name_prefix="ray")
        self._task = ray.remote(num_cpus=1, max_retries=DEATHS_MAX - 1)(_do)
        self._name = uuid.uuid4().hex
        self._preparation = ray.put((prepare, arguments))

    def submit(self, job: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        """A future of `job(*arguments, **named)`, done by a worker."""
        return super().submit(self._result, job, arguments, named)

    def _result(self, job: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """What the job gave.

        Raises:
            Broken: worker processes died again and again over it.
        """
        import ray
        from ray.exceptions import NodeDiedError, WorkerCrashedError

        try:
            result = ray.get(self._task.remote(self._name, self._preparation, job, arguments, named))
        except (WorkerCrashedError, NodeDiedError):
            raise Broken(
                where="workers of the cluster",
                got=f"processes that died {DEATHS_MAX} times over {', '.join(map(str, arguments))[:200]}",
                wanted="workers that live",
                next_step="see whether memory ran out; the same command goes on where it stopped",
            ) from None
        if isinstance(result, TrunnionError):
            raise result
        return result


def _do(
    pool_name: str,
    preparation: tuple[Prepare | None, tuple[object, ...]],
    job: Callable[..., Any],
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> Any:
    """Runs in a worker process. Errors of our own are given back, because Ray would wrap them in its own."""
    global _prepared_for
    begin_work()
    try:
        prepare, with_these = preparation
        if _prepared_for != pool_name:
            if prepare:
                prepare(*with_these)
            _prepared_for = pool_name
        return job(*arguments, **named)
    except TrunnionError as error:
        return error
