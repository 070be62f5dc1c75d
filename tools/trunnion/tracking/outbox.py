"""The journal of runs that the store does not have yet: a folder for each, whole or absent."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from trunnion.tracking.stage_run import StageRun
from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json
from trunnion_contract.strict import read_json

RUN = "run.json"


@dataclass(frozen=True)
class Outbox:
    """The journal of one folder of runs; several processes may write to it, and one at a time sends."""

    folder: Path

    def put(self, run: StageRun, artifacts: Sequence[Path] = ()) -> None:
        """Keep `run`, in place of what was kept of the same attempt, with its own copies of `artifacts`.

        Copies, because the folder of a stage is replaced when the stage is done again.
        """
        place = self.folder / run.run_id
        place.mkdir(parents=True, exist_ok=True)
        for artifact in artifacts:
            shutil.copyfile(artifact, place / artifact.name)
        write_json(place / RUN, run.model_dump(mode="json"))

    def get(self, run_id: str) -> StageRun | None:
        """What is kept of an attempt, if anything that can be read is."""
        with suppress(BadInput, OSError):
            return read_json(StageRun, self.folder / run_id / RUN)
        return None

    def pending(self) -> list[StageRun]:
        """What waits, in the order in which it began; a document that cannot be read is left where it is."""
        names = [place.name for place in self.folder.glob("*/") if (place / RUN).is_file()]
        runs = [run for name in names if (run := self.get(name))]
        return sorted(runs, key=lambda run: (run.start_ms, run.stage))

    def unreadable(self) -> list[Path]:
        """Documents that are none; a person looks at them."""
        return [path for path in sorted(self.folder.glob(f"*/{RUN}")) if not self.get(path.parent.name)]

    def artifact(self, run: StageRun, name: str) -> Path:
        """The copy of a file of `run`."""
        return self.folder / run.run_id / name

    def sent(self, run: StageRun) -> None:
        """Forget `run`, unless something newer was kept of it meanwhile."""
        if self.get(run.run_id) == run:
            shutil.rmtree(self.folder / run.run_id, ignore_errors=True)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Wait for whoever else sends; the system frees the lock of a process that died."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
