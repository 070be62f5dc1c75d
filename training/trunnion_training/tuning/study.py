"""Optuna's study of a search, made anew from the trials that are known: what is proposed next follows from them."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.trial import TrialState, create_trial

from trunnion_contract.tuning import MAXIMISED, Tuning, Value
from trunnion_training.tuning.space import distributions, readable
from trunnion_training.tuning.trials import State, TrialRecord

# So many proposals are drawn at random before the search leans on what it has seen.
RANDOM_TRIALS = 10
# A proposal that was tried already is drawn again; after so many the space is taken to be searched through.
_DRAWS_MAX = 30
_STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "failed": TrialState.FAIL,
}  # fmt: skip


class Study:
    """Proposes settings, and is told what came of them."""

    def __init__(self, tuning: Tuning, known: Sequence[TrialRecord]) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._tuning, self._distributions = tuning, distributions(tuning.space)
        self._study = optuna.create_study(directions=directions(tuning))
        self._numbers: dict[int, int] = {}
        self._tried: list[dict[str, Value]] = []
        for record in known:
            self._tried.append(record.values)
            if record.state != "running":
                self._study.add_trial(frozen(tuning, record))
        for record in known:
            if record.state == "running":
                self._try(record.number, record.values)

    def propose(self, number: int) -> dict[str, Value] | None:
        """Values for the trial of this number; None where nothing new can be found in the space."""
        for draw in range(_DRAWS_MAX):
            # One generator for each: a proposal does not depend on whether those before were made in this process.
            seed = self._tuning.seed + number + 1_000_003 * draw
            self._study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS)
            asked = self._study.ask(self._distributions)
            values = readable(self._tuning.space, asked.params)
            # What is tried is what is readable, and that is what the study shall know, before and after a stop.
            self._study.tell(asked, state=TrialState.FAIL)
            if values not in self._tried:
                self._tried.append(values)
                self._try(number, values)
                return values
        return None

    def tell(self, record: TrialRecord) -> None:
        """Hear of a trial that is at its end."""
        figures = [record.figures[name] for name in self._tuning.objectives] if record.figures else None
        state = _STATES[record.state]
        self._study.tell(
            self._numbers[record.number], figures if state is TrialState.COMPLETE else None, state
        )

    def _try(self, number: int, values: dict[str, Value]) -> None:
        self._study.enqueue_trial(values)
        self._numbers[number] = self._study.ask(self._distributions).number


def directions(tuning: Tuning) -> list[str]:
    """Optuna's words for what is better, objective by objective."""
    return ["maximize" if name in MAXIMISED else "minimize" for name in tuning.objectives]


def frozen(tuning: Tuning, record: TrialRecord) -> optuna.trial.FrozenTrial:
    """A trial that is at its end, as Optuna knows it."""
    complete = record.state == "complete"
    return create_trial(
        state=_STATES[record.state],
        params=dict(record.values),
        distributions=distributions(tuning.space),
        values=[record.figures[name] for name in tuning.objectives] if complete else None,
    )
