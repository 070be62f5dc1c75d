"""Which trial is taken: the Pareto front, its knee, and the rule of the use case."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trunnion_contract.errors import GatesFailed
from trunnion_contract.tuning import MAXIMISED, Objective, Tuning
from trunnion_training.tuning.trials import TrialRecord

Figures = Mapping[Objective, float]


@dataclass(frozen=True)
class Chosen:
    """The trial that is taken, in words why, and whether it keeps the limits of the use case."""

    trial: TrialRecord
    why: str
    within: bool = True


def choose(tuning: Tuning, trials: Sequence[TrialRecord]) -> Chosen:
    """The trial that the rule of the use case takes; of several that are as good, the first.

    Raises:
        GatesFailed: no trial is complete.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    if not complete:
        raise _none_complete(trials)
    rule = tuning.choose
    allowed = [trial for trial in complete if rule.within(trial.figures)]
    best = front(tuning, allowed or complete)
    if not allowed:
        return Chosen(knee(tuning, best), "no trial keeps the limits; this is the knee of the front", False)
    by = _by(tuning)
    limits = " within the limits" if rule.model_dump(exclude={"by"}, exclude_none=True) else ""
    if by == "knee":
        return Chosen(knee(tuning, best), f"the knee of the front{limits}")
    return Chosen(
        max(best, key=lambda trial: (_goodness(by, trial), -trial.number)), f"the best {by}{limits}"
    )


def _by(tuning: Tuning) -> Objective | Literal["knee"]:
    """What the rule asks for; left out, the first objective that has no limit."""
    limited = tuning.choose.asked()
    free = [name for name in tuning.objectives if name not in limited]
    if tuning.choose.by or len(tuning.objectives) == 1:
        return tuning.choose.by or tuning.objectives[0]
    return free[0] if limited and free else "knee"


def front(tuning: Tuning, complete: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those that no other beats in one objective without being worse in another."""
    return [one for one in complete if not any(_dominates(tuning, other, one) for other in complete)]


def knee(tuning: Tuning, best: Sequence[TrialRecord]) -> TrialRecord:
    """The one on the front that is nearest to the best of everything, each objective over its range on the front."""
    ranges = {name: [_goodness(name, trial) for trial in best] for name in tuning.objectives}

    def distance(trial: TrialRecord) -> float:
        return math.hypot(
            *(
                (max(values) - _goodness(name, trial)) / ((max(values) - min(values)) or 1.0)
                for name, values in ranges.items()
            )
        )

    return min(best, key=lambda trial: (distance(trial), trial.number))


def _dominates(tuning: Tuning, one: TrialRecord, other: TrialRecord) -> bool:
    pairs = [(_goodness(name, one), _goodness(name, other)) for name in tuning.objectives]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def _goodness(name: Objective, trial: TrialRecord) -> float:
    value = trial.figures[name]
    return value if name in MAXIMISED else -value


def _none_complete(trials: Sequence[TrialRecord]) -> GatesFailed:
    failed = [trial for trial in trials if trial.state == "failed"]
    first = f"; trial {failed[0].number} failed: {failed[0].why}" if failed else ""
    return GatesFailed(
        where="the search",
        got=f"no complete trial among {len(trials)}{first}",
        wanted="at least one to choose from",
        next_step="see tuning.html; mend what they failed of, or ask for more trials or hours",
    )
