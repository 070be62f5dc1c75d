"""One stage that ran, as it is kept in the journal until the store has it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trunnion_contract.strict import Strict

# The words of MLflow.
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


class Registration(Strict):
    """What packing adds: a version of the model that bears the name of the use case, whose file is an artifact."""

    name: str
    bundle: str
    tags: dict[str, str]
    description: str


class StageRun(Strict):
    """A stage as MLflow shows it.

    Attributes:
        run_id: the name of the attempt; MLflow's own is given by its store, and carries this one as a tag.
        experiment: the use case.
        parents: the attempts whose outputs it read, by the names of their stages.
        series: figures by epoch, from the first.
        artifacts: files beside this document in the journal.
    """

    schema_version: Literal[1] = 1
    run_id: str
    experiment: str
    stage: str
    status: Status
    start_ms: int
    end_ms: int | None = None
    params: dict[str, str] = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)
    series: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    parents: dict[str, str] = Field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    registration: Registration | None = None
