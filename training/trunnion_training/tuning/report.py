"""`tuning.html`: a search as a page for people, in one file that asks the network for nothing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import optuna

from trunnion_contract.errors import GatesFailed
from trunnion_contract.tuning import UNITS, Objective, Tuning
from trunnion_training.quality.report import page
from trunnion_training.tuning.choice import Chosen, choose, front
from trunnion_training.tuning.pictures import importance_picture, parallel_picture, pareto_picture
from trunnion_training.tuning.study import directions, frozen
from trunnion_training.tuning.trials import TrialRecord

# Of four, the learning rate was seen to be what latency depends on most.
IMPORTANT_FROM = 10


def report_page(name: str, tuning: Tuning, trials: Sequence[TrialRecord]) -> str:
    """The whole page. The same trials give the same text."""
    complete = [trial for trial in trials if trial.state == "complete"]
    chosen = _chosen(tuning, trials)
    number = chosen.trial.number if chosen else -1
    pictures = {
        "Pareto front": pareto_picture(tuning, complete, number) if complete else "",
        "Settings and figures": parallel_picture(tuning, complete, number) if complete else "",
        "What mattered": importance_picture(importances(tuning, complete)),
    }
    return page(
        "tuning.html.j2",
        folder=Path(__file__).parent,
        name=name,
        tuning=tuning,
        trials=trials,
        chosen=chosen,
        best={trial.number for trial in front(tuning, complete)},
        counts={
            state: sum(trial.state == state for trial in trials)
            for state in ("complete", "stopped", "failed", "running")
        },
        pictures={title: picture for title, picture in pictures.items() if picture},
        units=UNITS,
        important_from=IMPORTANT_FROM,
    )


def importances(tuning: Tuning, complete: Sequence[TrialRecord]) -> dict[Objective, dict[str, float]]:
    """Objective to setting to its share of importance, by Optuna's PED-ANOVA; nothing where too little is known."""
    if len(complete) < IMPORTANT_FROM or len(tuning.space) < 2:
        return {}
    study = optuna.create_study(directions=directions(tuning))
    study.add_trials([frozen(tuning, trial) for trial in complete])
    found = {}
    for index, objective in enumerate(tuning.objectives):
        # It warns of a target where there are several objectives, which is how it is meant.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[objective] = optuna.importance.get_param_importances(
                study, target=lambda trial, at=index: trial.values[at]
            )
    return found


def _chosen(tuning: Tuning, trials: Sequence[TrialRecord]) -> Chosen | None:
    try:
        return choose(tuning, trials)
    except GatesFailed:
        return None
