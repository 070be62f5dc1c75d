"""What is remembered of a stage: the digests of what went in and of what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_file, digest_json
from trunnion_contract.strict import Strict, read_json


class StageRecord(Strict):
    """`<stage>.json` beside the folder of the stage.

    `inputs` maps each thing the stage depends on to its digest, `outputs` each file it made. `run_id` names the
    attempt, which is one and the same however often it was stopped and gone on with. `seconds` and `energy_j` (None
    where the machine has no counter, see `trunnion.energy`) are those since it last went on.
    """

    schema_version: Literal[1] = 1
    stage: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    seconds: float
    energy_j: float | None = None
    run_id: str = ""

    def digest(self) -> str:
        """What stands for all of the outputs in the inputs of later stages."""
        return digest_json(self.outputs)

    def changed_inputs(self, inputs: dict[str, str]) -> list[str]:
        """The names of the inputs that differ from `inputs`."""
        names = self.inputs.keys() | inputs.keys()
        return sorted(name for name in names if self.inputs.get(name) != inputs.get(name))

    def changed_outputs(self, folder: Path) -> list[str]:
        """The files of `folder` that are missing, added, or have other content than was made."""
        found = outputs_of(folder)
        names = self.outputs.keys() | found.keys()
        return sorted(name for name in names if self.outputs.get(name) != found.get(name))


def outputs_of(folder: Path) -> dict[str, str]:
    """Relative path to SHA-256 of every file under `folder`; nothing where there is no folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in files}


def read_record(path: Path) -> StageRecord | None:
    """The record at `path`, or None where there is none that can be read: the stage is then done again."""
    try:
        return read_json(StageRecord, path)
    except (BadInput, OSError):
        return None
