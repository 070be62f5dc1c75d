"""The search under Ray Tune: trials are its trials, on this machine or on a cluster, stopped early by ASHA.

Ray Tune hands them out, watches them, and begins anew those whose process or machine was lost; they go on after their
last whole epoch, from their own folders. What is known is in the book; Ray's own memory of a search is thrown away.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from trunnion_contract.errors import BadInput, Broken, TrunnionError
from trunnion_contract.tuning import Objective, Tuning
from trunnion_training.cluster.beside import Beside
from trunnion_training.cluster.elsewhere import check_there
from trunnion_training.cluster.engine import engine
from trunnion_training.cluster.room import Room
from trunnion_training.tuning.book import EPOCH, Book, Outcome
from trunnion_training.tuning.trials import ACCURACY, TrialRecord

_LOOK_EVERY_S = 0.5
# Ray takes nested values apart, so these are JSON.
_NUMBER, _OUTCOME, _SERIES = "number", "outcome", "series"
_SETTINGS = {
    # Files of its own for each trial, which nobody here reads.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Folders of use cases and runs may be seen from where the command was started.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_WARN_THRESHOLD_S": "60",
    # The last report of a trial is what it came to, and no epoch.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}

# Hears what a finished epoch came to; may never return, where the trial is stopped.
Report = Callable[[Mapping[str, float]], None]
# Tries the trial of this number from where its folder stands; can be pickled.
Try = Callable[[int, Report], Mapping[Objective, float]]
Told = Callable[[TrialRecord], None]


def search(
    tuning: Tuning,
    book: Book,
    attempt: Try,
    folder: Path,
    told: Told,
    *,
    room: Room,
    epochs_max: int,
    within_s: float | None = None,
) -> None:
    """Have the trials of the book tried, until none is left or the time is over.

    Args:
        attempt: what it raises fails the trial, and not the search.
        folder: seen by all nodes under the same path.
        told: hears, in the thread of the caller, of each trial that begins or comes to its end.
        room: of each trial.
        epochs_max: of any trial.

    Raises:
        BadInput: the cluster has no machine for a trial, or none is `latency.target`.
        Broken: Ray Tune failed.
    """
    os.environ.update(_SETTINGS)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    shutil.rmtree(folder / "ray", ignore_errors=True)
    deadline_s = None if within_s is None else time.monotonic() + within_s
    with engine(tuning.at_a_time * room.used):
        _check_room(tuning, room)
        fit = partial(_fit, tuning, book, attempt, folder, room, epochs_max, deadline_s)
        run = Beside(fit, "ray-tune")
        while not run.ended(_LOOK_EVERY_S):
            _tell(book, told)
        _tell(book, told)
    shutil.rmtree(folder / "ray", ignore_errors=True)
    if run.error is not None:
        raise _broken(run.error)


def asha(tuning: Tuning, epochs_max: int, known: Iterable[TrialRecord]) -> TrialScheduler:
    """The scheduler, which has heard of the epochs of all trials that are at their end."""
    stop = tuning.stop
    if stop is None or epochs_max <= stop.grace_epochs:
        return FIFOScheduler()
    scheduler = ASHAScheduler(
        time_attr=EPOCH,
        metric=ACCURACY,
        mode="max",
        max_t=epochs_max,
        grace_period=stop.grace_epochs,
        reduction_factor=stop.reduction,
        # A detector that has learnt to its end is still to be exported and measured.
        stop_last_trials=False,
    )
    for record in known:
        if record.state == "running":
            continue
        one: Any = SimpleNamespace(trial_id=f"known {record.number}")
        scheduler.on_trial_add(None, one)
        for epoch, accuracy in enumerate(record.accuracy_by_epoch, start=1):
            scheduler.on_trial_result(None, one, {EPOCH: epoch, ACCURACY: accuracy})
    return scheduler


def _fit(
    tuning: Tuning, book: Book, attempt: Try, folder: Path, room: Room, epochs_max: int,
    deadline_s: float | None,
) -> None:  # fmt: skip
    trainable = tune.with_resources(partial(_work, attempt=attempt), room.resources)
    left_s = None if deadline_s is None else max(0.1, deadline_s - time.monotonic())
    tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=_FromBook(book, deadline_s),
            scheduler=asha(tuning, epochs_max, book.records),
            num_samples=book.left,
            max_concurrent_trials=tuning.at_a_time,
            time_budget_s=left_s,
            reuse_actors=False,
        ),
        run_config=tune.RunConfig(
            name=uuid.uuid4().hex,
            storage_path=str(folder / "ray"),
            failure_config=tune.FailureConfig(max_failures=tuning.losses_max),
            verbose=0,
        ),
    ).fit()


def _work(config: Mapping[str, Any], attempt: Try) -> None:
    """Runs in a process of its own. What fails here would fail again, so only a lost process is begun anew."""

    def report(epoch: Mapping[str, float]) -> None:
        said = {EPOCH: int(epoch[EPOCH]), ACCURACY: epoch.get(ACCURACY, 0.0)}
        tune.report({**said, _SERIES: json.dumps(dict(epoch))})

    try:
        outcome = {"figures": dict(attempt(config[_NUMBER], report)), "why": ""}
    except TrunnionError as error:
        outcome = {"figures": {}, "why": str(error)}
    except Exception as error:  # whatever a library came up with
        outcome = {"figures": {}, "why": f"{type(error).__name__}: {error}"[:500]}
    tune.report({_OUTCOME: json.dumps(outcome)})


class _FromBook(Searcher):  # type: ignore[misc]
    """The book, as Ray Tune asks for trials and tells of them."""

    def __init__(self, book: Book, deadline_s: float | None) -> None:
        super().__init__(metric=ACCURACY, mode="max")
        self._book, self._deadline_s = book, deadline_s
        self._numbers: dict[str, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray keeps a copy that nobody reads."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        number = None if self._over else self._book.next()
        if number is None:
            return str(Searcher.FINISHED)
        self._numbers[trial_id] = number
        return {_NUMBER: number}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if _SERIES in result and _OUTCOME not in result:
            self._book.heard(self._numbers[trial_id], json.loads(result[_SERIES]))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        # What the epoch came to over which it is stopped is said here alone.
        self.on_trial_result(trial_id, result or {})
        number, said = self._numbers[trial_id], (result or {}).get(_OUTCOME)
        if said is not None:
            self._book.ended(number, Outcome(**json.loads(said)))
        elif error:
            self._book.ended(number, Outcome(why="its process was lost again and again"))
        elif not self._over:
            self._book.ended(number, None)

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: the book is on disk."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the book is on disk."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the book is on disk."""

    @property
    def _over(self) -> bool:
        return self._deadline_s is not None and time.monotonic() >= self._deadline_s


def _tell(book: Book, told: Told) -> None:
    while not book.news.empty():
        told(book.news.get())


def _check_room(tuning: Tuning, room: Room) -> None:
    """Ray would wait without end for a machine that there is not."""
    import ray

    if tuning.latency.target and "latency" in tuning.objectives:
        check_there(tuning.latency.target, "tuning.latency.target")
    most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if room.held > most:
        raise BadInput(
            where="tuning.cores",
            got=f"{room.held} cores for a trial, and {most:g} on the largest machine",
            wanted="a trial that fits on a machine",
            next_step="ask for fewer cores, or add a machine that has as many",
        )


def _broken(error: Exception) -> Broken:
    lines: list[str] = []
    with suppress(Exception):
        lines = str(error).strip().splitlines()
    return Broken(
        where="the search under Ray Tune",
        got=(lines or [type(error).__name__])[-1][:300],
        wanted="a search that comes to its end",
        next_step="see whether memory ran out; the same command goes on with the trials that are left",
    )
