"""The flow: a table of stages, each done when its inputs or outputs are not what they were, resumed after a kill.

A stage works in `.<stage>.part`, beside `<stage>`, and gets its final name when it is whole. Its record is written just
before that, so a kill at any moment leaves either work to go on with, or a whole folder that only wants its name.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trunnion.energy import EnergyMeter
from trunnion.exclusive import only_one
from trunnion.record import StageRecord, outputs_of, read_record
from trunnion.stopped import Stopped, raise_if_stop_requested, stop_requested
from trunnion_contract.files import whole_folder, write_json
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase

Digests = dict[str, str]


@dataclass(frozen=True)
class Run:
    """One use case and the folder in which its stages stand."""

    usecase: UseCase
    folder: Path

    def stage(self, name: str) -> Path:
        """The folder of a stage."""
        return self.folder / name

    def record(self, name: str) -> Path:
        """The record of a stage."""
        return self.folder / f"{name}.json"


@dataclass(frozen=True)
class Stage:
    """One row of the flow.

    Attributes:
        after: the stages whose outputs it reads.
        applies: whether a use case needs it.
        inputs: name to digest of everything else that it depends on.
        make: does the work in the folder it is given, which may hold what an earlier attempt left.
    """

    name: str
    after: tuple[str, ...]
    applies: Callable[[UseCase], bool]
    inputs: Callable[[UseCase], Digests]
    make: Callable[[Run, Path, Progress], None]


class Watcher(Progress, Protocol):
    """Who shows a person how the flow goes."""

    def began(self, stage: str, why: str) -> None:
        """A stage starts, for this reason."""

    def ended(self, stage: str, seconds: float) -> None:
        """A stage is whole."""

    def reused(self, stage: str) -> None:
        """A stage stands as it was."""


class Tracker(Protocol):
    """Who keeps for later what was run; it never ends a flow."""

    def began(self, run: Run, stage: Stage, attempt: StageRecord) -> None:
        """A stage starts, or goes on where an attempt of the same `run_id` was stopped."""

    def ended(self, run: Run, stage: Stage, record: StageRecord) -> None:
        """A stage is whole; said again where nobody can know whether it was said."""

    def stopped(self, run: Run, stage: Stage, attempt: StageRecord, error: BaseException) -> None:
        """A stage failed, or a person stopped it."""


class Untracked:
    """Keeps nothing."""

    def began(self, run: Run, stage: Stage, attempt: StageRecord) -> None: ...
    def ended(self, run: Run, stage: Stage, record: StageRecord) -> None: ...
    def stopped(self, run: Run, stage: Stage, attempt: StageRecord, error: BaseException) -> None: ...


UNTRACKED = Untracked()


def run_stages(
    run: Run, stages: Sequence[Stage], until: str, watcher: Watcher, tracker: Tracker = UNTRACKED
) -> None:
    """Bring every stage up to `until` up to date.

    Raises:
        BadInput: another process runs this use case, or a stage refuses its input.
        Stopped: Ctrl-C.
    """
    with only_one(run.folder / ".lock", "running this use case"):
        write_json(run.folder / "usecase.json", run.usecase.model_dump(mode="json", by_alias=True))
        for stage in _needed(stages, run.usecase, until):
            try:
                _bring_up_to_date(stage, run, watcher, tracker)
            except KeyboardInterrupt:
                raise Stopped(stage.name) from None
            except Exception:
                if stop_requested():
                    raise Stopped(stage.name) from None
                raise


def stands(run: Run, stage: Stage) -> bool:
    """Whether a stage is whole, and made from what its inputs are now."""
    record = read_record(run.record(stage.name))
    if record is None or record.changed_inputs(_inputs(stage, run)):
        return False
    return not record.changed_outputs(run.stage(stage.name))


def _needed(stages: Sequence[Stage], usecase: UseCase, until: str) -> list[Stage]:
    end = next(index for index, stage in enumerate(stages) if stage.name == until)
    return [stage for stage in stages[: end + 1] if stage.applies(usecase)]


def _bring_up_to_date(stage: Stage, run: Run, watcher: Watcher, tracker: Tracker) -> None:
    inputs = _inputs(stage, run)
    folder, record = run.stage(stage.name), read_record(run.record(stage.name))
    why = _why(record, inputs, folder)
    if not why:
        watcher.reused(stage.name)
        return
    if record and not record.changed_inputs(inputs) and not record.changed_outputs(_work_folder(folder)):
        # Killed after the record was written and before the folder got its name.
        with whole_folder(folder):
            watcher.reused(stage.name)
        tracker.ended(run, stage, record)
        return
    watcher.began(stage.name, why)
    attempt = _clear_unless_resumable(folder, inputs)
    tracker.began(run, stage, attempt)
    try:
        record = _make(stage, run, attempt, watcher)
    except BaseException as error:
        tracker.stopped(run, stage, attempt, error)
        raise
    watcher.ended(stage.name, record.seconds)
    tracker.ended(run, stage, record)


def _make(stage: Stage, run: Run, attempt: StageRecord, watcher: Watcher) -> StageRecord:
    folder, began_s = run.stage(stage.name), time.monotonic()
    with whole_folder(folder) as work:
        with EnergyMeter() as meter:
            stage.make(run, work, watcher)
            raise_if_stop_requested()
            cost = {"seconds": round(time.monotonic() - began_s, 1), "energy_j": meter.joules}
        record = attempt.model_copy(update={"outputs": outputs_of(work), **cost})
        write_json(run.record(stage.name), record.model_dump(mode="json"))
    _marker(folder).unlink(missing_ok=True)
    return record


def _inputs(stage: Stage, run: Run) -> Digests:
    upstream = {name: read_record(run.record(name)) for name in stage.after}
    return stage.inputs(run.usecase) | {name: record.digest() for name, record in upstream.items() if record}


def _why(record: StageRecord | None, inputs: Digests, folder: Path) -> str:
    """The reason for doing a stage, or nothing where it stands."""
    if record is None:
        return "first time"
    if changed := record.changed_inputs(inputs):
        return f"changed: {', '.join(changed)}"
    if changed := record.changed_outputs(folder):
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"not as it was made: {changed[0]}{more}"
    return ""


def _clear_unless_resumable(folder: Path, inputs: Digests) -> StageRecord:
    """Keep what an earlier attempt left, and its name, only where it worked on the very same inputs."""
    marker, work = _marker(folder), _work_folder(folder)
    left = read_record(marker)
    if left is None or left.changed_inputs(inputs):
        shutil.rmtree(work, ignore_errors=True)
        left = None
    for half_written in (*work.rglob(".*.part"), *folder.parent.glob(".*.json.*.part")):
        if half_written.is_file():
            half_written.unlink()
    run_id = left.run_id if left and left.run_id else uuid.uuid4().hex
    attempt = StageRecord(stage=folder.name, inputs=inputs, outputs={}, seconds=0, run_id=run_id)
    write_json(marker, attempt.model_dump(mode="json"))
    return attempt


def _work_folder(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.part")


def _marker(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.part.json")
