"""What can be seen to be wrong with a search before the first trial has worked for minutes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trunnion.preflight import check
from trunnion_contract.errors import BadInput
from trunnion_contract.tuning import Objective, Tuning, Value
from trunnion_contract.usecase import UseCase
from trunnion_training.cluster.room import Room

_EXAMPLE = "tuning: {space: {models.detector.learning_rate: {log_uniform: [0.0001, 0.01]}}}"
_EPOCHS = "models.detector.epochs"


def tuning_of(usecase: UseCase, where: str) -> Tuning:
    """The section `tuning`, once it is seen to fit the rest of the use case.

    Raises:
        BadInput: there is none, an objective cannot be measured, or a setting does not take one of its values.
    """
    tuning = usecase.tuning
    if tuning is None:
        raise BadInput(
            where=where, got="no section `tuning`", wanted="one that says what to search",
            next_step=f"add one, such as {_EXAMPLE}",
        )  # fmt: skip
    for objective in tuning.objectives:
        _check_objective(usecase, objective, where)
    for setting in tuning.space:
        _check_is_read(usecase, tuning, setting, where)
    for setting, value in _ends(tuning):
        check(usecase.varied({setting: value}, f"{where}: tuning.space.{setting}"), where)
    return tuning


def searched(usecase: UseCase) -> UseCase:
    """The use case without the model that no objective is about: it would be trained for nothing."""
    tuning, models = usecase.tuning, usecase.models
    if tuning is None or "success" in tuning.objectives or not (models.detector and models.policy):
        return usecase
    return usecase.model_copy(update={"models": models.model_copy(update={"policy": None})})


def given_stages(usecase: UseCase) -> tuple[str, ...]:
    """Stages that are the same for all trials, and so are made once."""
    tuning, models = usecase.tuning, usecase.models
    settings = tuning.space if tuning else {}
    there = {"detector": models.detector, "policy": models.policy}
    fixed = [name for name in there if not any(key.startswith(f"models.{name}.") for key in settings)]
    data = ("data",) if usecase.data else ()
    return (*data, *(f"train.{name}" for name in fixed if there[name] is not None))


def epochs_max(usecase: UseCase) -> int:
    """Of the detector of any trial; 0 where none is trained."""
    tuning, detector = usecase.tuning, usecase.models.detector
    if tuning is None or detector is None or "train.detector" in given_stages(usecase):
        return 0
    ends = tuning.space[_EPOCHS].ends if _EPOCHS in tuning.space else (detector.epochs,)
    return max(int(end) for end in ends)


def room(usecase: UseCase) -> Room:
    """What each trial takes; one whose workers are several hands its work on to them, and holds nothing itself."""
    tuning, models, given = usecase.tuning, usecase.models, given_stages(usecase)
    assert tuning is not None, "checked before"
    learnt = (("train.detector", models.detector), ("train.policy", models.policy))
    several = [
        model.workers.count * model.workers.cores
        for stage, model in learnt
        if model is not None and stage not in given and not model.workers.one_process
    ]
    return Room(held=0, used=max(several)) if several else Room(held=tuning.cores, used=tuning.cores)


def _check_objective(usecase: UseCase, objective: Objective, where: str) -> None:
    models, cell = usecase.models, usecase.cell
    if objective != "success" and models.detector is None:
        raise BadInput(
            where=f"{where}: tuning.objectives", got=f"{objective} without models.detector",
            wanted="a detector, which it is measured of", next_step="name success alone, or add a detector",
        )  # fmt: skip
    if objective == "success" and models.policy is None:
        raise BadInput(
            where=f"{where}: tuning.objectives", got="success without a simulation",
            wanted="models.policy, which acts in a simulated environment",
            next_step="take success out, or add the policy",
        )  # fmt: skip
    suite = usecase.tuning.proof.suite if usecase.tuning else None
    if objective == "success" and suite and cell is None:
        raise BadInput(
            where=f"{where}: tuning.proof.suite", got=f"{suite} without a section `cell`",
            wanted="the cell that the suite is played in", next_step="take the suite out, or add the cell",
        )  # fmt: skip


def _check_is_read(usecase: UseCase, tuning: Tuning, setting: str, where: str) -> None:
    model = setting.split(".")[1]
    if getattr(usecase.models, model) is None:
        got, wanted = f"no models.{model}", "a setting of a model that the use case has"
    elif model == "policy" and "success" not in tuning.objectives:
        got, wanted = "no objective that depends on it", "success among the objectives"
    else:
        return
    raise BadInput(
        where=f"{where}: tuning.space.{setting}", got=got, wanted=wanted,
        next_step="take the setting out, or correct its name",
    )  # fmt: skip


def _ends(tuning: Tuning) -> Iterator[tuple[str, Value]]:
    """Every value of a choice, and the bounds of the others, with the last value before the upper bound of a step."""
    for setting, dimension in tuning.space.items():
        yield from ((setting, value) for value in dimension.ends)
        if dimension.uniform and dimension.step:
            low, high = dimension.uniform
            last = low + math.floor((high - low) / dimension.step) * dimension.step
            yield setting, last
