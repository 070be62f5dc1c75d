"""What a search is about, and how long it has taken: whoever goes on with it has to be about the same."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from trunnion.pipeline import Run
from trunnion.record import read_record
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json, write_json
from trunnion_contract.strict import Strict, read_json
from trunnion_contract.tuning import Tuning
from trunnion_contract.usecase import UseCase
from trunnion_training.tuning.book import now_ms

FOLDER, SEARCH = "tune", "search.json"


class SearchRecord(Strict):
    """`search.json`: digests of what the trials have in common, and the seconds that were searched so far."""

    schema_version: Literal[1] = 1
    about: dict[str, str]
    run_id: str
    began_ms: int
    spent_s: float = Field(default=0.0, ge=0)


@dataclass(frozen=True)
class Memory:
    """The folder of a search."""

    folder: Path

    def take_up(self, about: dict[str, str], fresh: bool) -> SearchRecord:
        """Begin, or go on with what was begun; `fresh` puts that aside and begins anew.

        Raises:
            BadInput: what was begun is about something else.
        """
        file = self.folder / SEARCH
        if fresh:
            self._put_aside()
        known = read_json(SearchRecord, file) if file.exists() else None
        if known is None:
            known = SearchRecord(about=about, run_id=uuid.uuid4().hex, began_ms=now_ms())
            self._keep(known)
        changed = sorted(
            name for name in known.about.keys() | about.keys() if known.about.get(name) != about.get(name)
        )
        if changed:
            raise BadInput(
                where=str(self.folder), got=f"trials of another search; changed: {', '.join(changed)}",
                wanted="the search that was begun there, because figures of the two cannot be compared",
                next_step="change it back, or add --fresh: what is there is kept under another name",
            )  # fmt: skip
        return known

    def spent(self, record: SearchRecord, more_s: float) -> None:
        """Write down that the search has taken so many seconds more than it had when it was taken up."""
        self._keep(record.model_copy(update={"spent_s": round(record.spent_s + more_s, 1)}))

    def _keep(self, record: SearchRecord) -> None:
        write_json(self.folder / SEARCH, record.model_dump(mode="json"))

    def _put_aside(self) -> None:
        if not self.folder.exists():
            return
        number = 1
        while (aside := self.folder.with_name(f"{self.folder.name}.before-{number}")).exists():
            number += 1
        self.folder.rename(aside)


def about(usecase: UseCase, tuning: Tuning, run: Run, given: tuple[str, ...]) -> dict[str, str]:
    """What all trials of a search have in common."""
    parts: dict[str, Any] = tuning.model_dump(
        mode="json", include={"space", "seed", "objectives", "stop", "latency", "proof"}
    )
    records = {stage: read_record(run.record(stage)) for stage in given}
    return {
        "use case": usecase.digest(),
        **{f"tuning.{name}": digest_json(part) for name, part in parts.items()},
        **{stage: record.digest() for stage, record in records.items() if record},
    }
