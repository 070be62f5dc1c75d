"""What is known of each trial: a document in a folder of its own, written before it begins and when it ends.

They are what a search goes on from: there is no other memory of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from trunnion_contract.files import write_json
from trunnion_contract.strict import Strict, read_json
from trunnion_contract.tuning import Objective, Value

RECORD = "trial.json"
ACCURACY = "metrics/mAP50-95(B)"
State = Literal["running", "complete", "stopped", "failed"]


class TrialRecord(Strict):
    """`trials/NUMBER/trial.json`.

    Attributes:
        values: setting to value.
        state: `running` until it is at its end; `stopped` early, because others learnt better.
        figures: what it came to, in each objective; nothing before it is complete.
        series: what each finished epoch came to, from the first: see `trunnion_training.vision.family.History`.
        why: what it failed of.
    """

    schema_version: Literal[1] = 1
    number: int = Field(ge=0)
    values: dict[str, Value]
    state: State = "running"
    figures: dict[Objective, float] = Field(default_factory=dict)
    series: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    seconds: float = 0.0
    began_ms: int = 0
    ended_ms: int | None = None
    why: str = ""

    @property
    def accuracy_by_epoch(self) -> tuple[float, ...]:
        """That of the validation split, as the trainer measured it; nothing where no detector learnt."""
        return self.series.get(ACCURACY, ())


@dataclass(frozen=True)
class Trials:
    """The folder of all trials of a search."""

    folder: Path

    def place(self, number: int) -> Path:
        """The folder of a trial."""
        return self.folder / f"{number:04d}"

    def write(self, record: TrialRecord) -> None:
        """Keep what is known of a trial now."""
        write_json(self.place(record.number) / RECORD, record.model_dump(mode="json"))

    def read(self, number: int) -> TrialRecord:
        """What is known of a trial.

        Raises:
            BadInput: its document is damaged.
        """
        return read_json(TrialRecord, self.place(number) / RECORD)

    def all(self) -> list[TrialRecord]:
        """In the order in which they were proposed.

        Raises:
            BadInput: a document is damaged.
        """
        found = (read_json(TrialRecord, file) for file in self.folder.glob(f"*/{RECORD}"))
        return sorted(found, key=lambda record: record.number)
