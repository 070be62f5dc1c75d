"""The plan of a use case: what its proof of concept and its first product must show, and who has to agree."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from trunnion_contract.names import Name
from trunnion_contract.strict import Strict

PlanStageName = Literal["poc", "mvp"]
PLAN_STAGES: tuple[PlanStageName, ...] = get_args(PlanStageName)
_KEY_BYTES = 32


def _is_key(value: str) -> str:
    try:
        size = len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size != _KEY_BYTES:
        raise ValueError("the public Ed25519 key that `trunnion approve keygen` printed")
    return value


class Criterion(Strict):
    """One thing that a stage must show.

    `metric` is the name of a figure of the proof, as MLflow shows it; without one, people judge by `what` it says.
    """

    what: str
    metric: str | None = None
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _measured_against_something(self) -> Criterion:
        if (self.metric is None) != (self.min is None and self.max is None):
            raise ValueError("a `metric` with `min`, `max` or both; or none of them, for people to judge")
        return self

    def met(self, value: float | None) -> bool:
        """Whether a measured value is within the bounds; what was not measured is not."""
        if value is None:
            return False
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


class PlanStage(Strict):
    """What a stage must show, and the roles that each have to approve it."""

    criteria: tuple[Criterion, ...] = ()
    approvals: tuple[Name, ...] = Field(min_length=1)


class Approver(Strict):
    """A person who may approve: the public half of a key that nobody else has, and in which roles."""

    key: Annotated[str, AfterValidator(_is_key)]
    roles: tuple[Name, ...] = Field(min_length=1)


class Plan(Strict):
    """The stages that a model passes before it may become champion; a stage that is left out asks for nothing."""

    poc: PlanStage | None = None
    mvp: PlanStage | None = None
    approvers: dict[str, Approver] = Field(min_length=1)

    @model_validator(mode="after")
    def _somebody_can_approve(self) -> Plan:
        if len({approver.key for approver in self.approvers.values()}) != len(self.approvers):
            raise ValueError("a key of its own for each approver")
        can = {role for approver in self.approvers.values() for role in approver.roles}
        for name, stage in self.stages():
            if missing := set(stage.approvals) - can:
                raise ValueError(f"an approver for {', '.join(sorted(missing))}, which {name} needs")
        return self

    def stages(self) -> Iterator[tuple[PlanStageName, PlanStage]]:
        """Those that there are, in order."""
        for name in PLAN_STAGES:
            stage: PlanStage | None = getattr(self, name)
            if stage:
                yield name, stage
