"""Whoever plays whole episodes: this process, or workers too as soon as there is enough to play for them to pay.

An episode depends on its seed and on who acts in it, so that who plays it, and when, changes no number.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from types import TracebackType
from typing import Any, TypeVar

import gymnasium

from trunnion_contract.errors import Broken
from trunnion_contract.workers import available_cores, worker_pool
from trunnion_training.policy.environment import Task, open_environment

Environment = gymnasium.Env[Any, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")
# Workers load for seconds before they play.
_WORTH_S = 10.0
_PARTS_PER_WORKER = 4
_PART_MAX = 10


class Players:
    """Plays episodes of one task in the `with` block; environment and workers stay open from one call to the next.

    Args:
        workers: how many share the episodes; None takes the cores of this machine or, where one is named, of the
            cluster. In a worker of others it is one.
        worth_s: how long this process would need alone for workers to be started.

    Raises:
        BadInput: the environment does not fit.
    """

    def __init__(self, task: Task, workers: int | None = None, worth_s: float = _WORTH_S) -> None:
        self._task, self._asked, self._worth_s = task, workers, worth_s
        self._open = ExitStack()
        self._env = open_environment(task)
        self._open.callback(self._env.close)
        self._pool: Executor | None = None

    def __enter__(self) -> Players:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def each(
        self, play: Callable[[Environment, Any, Item], Result], actor: Any, items: Sequence[Item]
    ) -> Iterator[Result]:
        """`play(env, actor, item)` of each item, in their order, as they come.

        Args:
            play: a function at the top of a module, which plays one episode.
            actor: what acts in it; it is sent to workers, once for each handful of episodes.
        """
        began_s, done = time.monotonic(), 0
        while done < len(items) and not (
            self._pool or self._pays(time.monotonic() - began_s, done, len(items))
        ):
            yield play(self._env, actor, items[done])
            done += 1
        if done < len(items):
            yield from self._shared(play, pickle.dumps(actor), items[done:])

    def _pays(self, took_s: float, done: int, total: int) -> bool:
        """Whether workers would be worth their start, as it went so far."""
        if not done or total - done < 2 or took_s / done * (total - done) < self._worth_s:
            return False
        return self._count > 1

    @property
    def _count(self) -> int:
        if self._asked is None:
            self._asked = available_cores()
        return self._asked

    def _shared(
        self, play: Callable[[Environment, Any, Item], Result], actor: bytes, items: Sequence[Item]
    ) -> Iterator[Result]:
        size = max(1, min(_PART_MAX, len(items) // (_PARTS_PER_WORKER * self._count)))
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        if self._pool is None:
            pool = worker_pool(self._count, os.putenv, "OMP_NUM_THREADS", "1")
            self._pool = self._open.enter_context(pool)
        futures = [self._pool.submit(_play, self._task, play, actor, part) for part in parts]
        try:
            for future in futures:
                yield from future.result()
        except BrokenProcessPool:
            raise Broken(
                where="workers that play episodes",
                got="a process that died",
                wanted="workers that live",
                next_step="see whether memory ran out; the same command goes on where it stopped",
            ) from None
        finally:  # whoever asked may have heard enough
            for future in futures:
                future.cancel()


_opened: tuple[Task, Environment] | None = None


def _play(
    task: Task, play: Callable[[Environment, Any, Item], Result], actor: bytes, items: Sequence[Item]
) -> list[Result]:
    """Runs in a worker, which keeps the environment of the last task."""
    import torch

    global _opened
    torch.set_num_threads(1)
    if _opened is None or _opened[0].plain() != task.plain():
        if _opened:
            _opened[1].close()
        _opened = task, open_environment(task)
    who = pickle.loads(actor)  # made by `each`, a moment ago
    return [play(_opened[1], who, item) for item in items]
