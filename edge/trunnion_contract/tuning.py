"""The `tuning` section of a use case: which settings are searched, for how long, and what the best one is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from trunnion_contract.strict import Strict

Objective = Literal["accuracy", "latency", "success"]
# What is better when it is more; the others are better when they are less.
MAXIMISED: tuple[Objective, ...] = ("accuracy", "success")
UNITS: Mapping[Objective, str] = {"accuracy": "mAP50-95", "latency": "ms", "success": "share of episodes"}
Value = bool | int | float | str
_Number = int | float
_SETTING = re.compile(r"models\.(detector|policy)\.[a-z0-9_]+(\.[a-z0-9_]+)*")


def _is_setting(value: str) -> str:
    if not _SETTING.fullmatch(value):
        raise ValueError(
            "settings by their place in the use case, such as models.detector.learning_rate; "
            f"'{value}' is none of models.detector and models.policy"
        )
    return value


Setting = Annotated[str, AfterValidator(_is_setting)]


class Dimension(Strict):
    """The values of one setting: a list, or two bounds between which they are drawn evenly or by their logarithm.

    Whole bounds give whole numbers. `step` is the distance of the values between `uniform` bounds.
    """

    choice: tuple[Value, ...] | None = None
    uniform: tuple[_Number, _Number] | None = None
    log_uniform: tuple[_Number, _Number] | None = None
    step: _Number | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_way(self) -> Dimension:
        if sum(way is not None for way in (self.choice, self.uniform, self.log_uniform)) != 1:
            raise ValueError("one of choice, uniform, log_uniform")
        if self.step is not None and self.uniform is None:
            raise ValueError("a `step` with `uniform` only")
        if self.choice is not None and (not self.choice or len(set(self.choice)) != len(self.choice)):
            raise ValueError("at least one value in `choice`, each once")
        low, high = self.bounds or (0, 1)
        if low >= high:
            raise ValueError("[lowest, highest], in this order and not equal")
        if self.log_uniform and low <= 0:
            raise ValueError("bounds above 0, because 0 has no logarithm")
        return self

    @property
    def bounds(self) -> tuple[_Number, _Number] | None:
        """Lowest and highest; None for a choice."""
        return self.uniform or self.log_uniform

    @property
    def whole(self) -> bool:
        """Whether the numbers between the bounds are whole."""
        return all(type(value) is int for value in (*(self.bounds or ()), self.step or 1))

    @property
    def ends(self) -> tuple[Value, ...]:
        """All values of a choice; the lowest and the highest number."""
        return self.choice if self.choice is not None else tuple(self.bounds or ())


class Stopping(Strict):
    """ASHA (Li et al., 2018): a detector that is worse than the best 1/`reduction` after as many epochs is stopped.

    Looked at after `grace_epochs`, and then after `reduction` times as many, again and again.
    """

    grace_epochs: int = Field(default=1, ge=1)
    reduction: int = Field(default=3, ge=2, le=100)


class Measuring(Strict):
    """How latency is measured: the median of `runs` detections in a noise image by the robot's own code.

    With `target`, on a machine of the cluster that offers that resource (`ray start --resources '{"jetson": 1}'`), one
    measurement at a time; without, where the trial ran. `threads` are those of the runtime on a CPU.
    """

    target: str | None = None
    runs: int = Field(default=50, ge=5, le=10_000)
    threads: int = Field(default=1, ge=1, le=256)


class SmallProof(Strict):
    """The proof that success is taken from: `suite` is one that ships, or a file beside the use case.

    Without one, it is that of the use case. `policy_episodes` are those of the policy alone.
    """

    suite: str | None = None
    policy_episodes: int = Field(default=20, ge=1)


class Choosing(Strict):
    """Which trial is taken: the best `by` one objective among those within the limits, or the knee of the front.

    The knee is the one that is nearest to the best of everything, each objective measured by its range on the front.
    Where no trial is within the limits, it is the knee, too, and the command says so.
    """

    by: Objective | Literal["knee"] | None = None
    latency_max_ms: float | None = Field(default=None, gt=0)
    accuracy_min: float | None = Field(default=None, ge=0, le=1)
    success_min: float | None = Field(default=None, ge=0, le=1)

    def within(self, figures: Mapping[str, float]) -> bool:
        """Whether what a trial came to is within the limits."""
        return (
            (self.latency_max_ms is None or figures["latency"] <= self.latency_max_ms)
            and (self.accuracy_min is None or figures["accuracy"] >= self.accuracy_min)
            and (self.success_min is None or figures["success"] >= self.success_min)
        )

    def asked(self) -> tuple[Objective, ...]:
        """The objectives that it reads."""
        limits: dict[Objective, float | None] = {
            "latency": self.latency_max_ms, "accuracy": self.accuracy_min, "success": self.success_min,
        }  # fmt: skip
        by: tuple[Objective, ...] = (self.by,) if self.by and self.by != "knee" else ()
        return (*by, *(name for name, limit in limits.items() if limit is not None))


class Tuning(Strict):
    """What `trunnion tune` does.

    Accuracy is that of the exported detector on the validation split; the test split stays unseen.

    Attributes:
        space: setting to values.
        trials: how many are tried, those that failed or were stopped early among them.
        at_a_time: how many of them at once, where the machines have room.
        cores: of each; a trial whose `workers` are several, or have a GPU, takes theirs instead.
        losses_max: how often a trial goes on after the loss of its process or machine.
        stop: of detectors, while they learn; null lets all of them learn to their end.
        hours_max: of searching, all calls together; trials that are not at their end by then wait for more.
    """

    space: dict[Setting, Dimension]
    trials: int = Field(default=20, ge=1, le=100_000)
    at_a_time: int = Field(default=1, ge=1, le=1000)
    cores: int = Field(default=1, ge=1, le=256)
    losses_max: int = Field(default=3, ge=0)
    seed: int = Field(default=0, ge=0, le=1_000_000)
    objectives: tuple[Objective, ...] = Field(default=("accuracy", "latency"), min_length=1)
    stop: Stopping | None = Stopping()
    latency: Measuring = Measuring()
    proof: SmallProof = SmallProof()
    choose: Choosing = Choosing()
    hours_max: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _searches_something(self) -> Tuning:
        if not self.space:
            raise ValueError("at least one setting in `space`, with its values")
        return self

    @model_validator(mode="after")
    def _chooses_by_what_is_measured(self) -> Tuning:
        if len(set(self.objectives)) != len(self.objectives):
            raise ValueError("objectives that are named once each")
        if missing := [name for name in self.choose.asked() if name not in self.objectives]:
            raise ValueError(f"{missing[0]} among the objectives, because `choose` asks for it")
        return self
