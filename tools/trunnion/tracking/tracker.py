"""The tracker of a flow: keeps each stage in the journal, and has it sent meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from trunnion.pipeline import UNTRACKED, Run, Stage, Tracker
from trunnion.record import StageRecord, read_record
from trunnion.stopped import Stopped
from trunnion.tracking.facts import artifacts_of, lineage_of, metrics_of, params_of
from trunnion.tracking.outbox import Outbox
from trunnion.tracking.registration import registration_of
from trunnion.tracking.sender import Sender
from trunnion.tracking.stage_run import StageRun, Status
from trunnion.tracking.store import Store, outbox_of, store_of
from trunnion_contract.errors import TrunnionError

SWITCH = "TRUNNION_TRACKING"


@contextmanager
def tracking(console: Console, runs: Path) -> Iterator[Tracker]:
    """Track the flows in the folder `runs`, and say at the end where; `TRUNNION_TRACKING=off` keeps nothing.

    Raises:
        BadInput: the environment names a store of an unknown kind.
    """
    if os.environ.get(SWITCH) == "off":
        yield UNTRACKED
        return
    store, tracker = store_of(runs), JournalTracker(outbox_of(runs), Sender(runs))
    try:
        yield tracker
    except (Stopped, KeyboardInterrupt):
        tracker.sender.leave()
        raise
    except BaseException:
        _say(console, store, tracker)
        raise
    _say(console, store, tracker)


def _say(console: Console, store: Store, tracker: JournalTracker) -> None:
    delivery = tracker.sender.end()
    for trouble in tracker.troubles:
        console.print(
            f"not tracked: {trouble}", highlight=False, markup=False, soft_wrap=True, style="yellow"
        )
    if delivery is None:
        return
    where = f"tracked in {store.uri}"
    if delivery.kept:
        where += f"; {delivery.kept} kept for later ({delivery.why}): trunnion runs sync"
    console.print(where, highlight=False, markup=False, soft_wrap=True, style="dim")


@dataclass(frozen=True)
class JournalTracker:
    """Keeps each stage as it begins and as it ends."""

    outbox: Outbox
    sender: Sender
    troubles: list[str] = field(default_factory=list)

    def began(self, run: Run, stage: Stage, attempt: StageRecord) -> None:
        """Keep that it runs; one that goes on keeps the time at which it first began."""
        self._keep(run, stage, attempt, "RUNNING")

    def ended(self, run: Run, stage: Stage, record: StageRecord) -> None:
        """Keep what came of it."""
        self._keep(run, stage, record, "FINISHED")

    def stopped(self, run: Run, stage: Stage, attempt: StageRecord, error: BaseException) -> None:
        """Keep that it did not come to its end, and why."""
        status: Status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        self._keep(run, stage, attempt, status, {"trunnion.error": f"{type(error).__name__}: {error}"[:500]})

    def _keep(
        self, run: Run, stage: Stage, record: StageRecord, status: Status, more: dict[str, str] | None = None
    ) -> None:
        with self._going_on(stage.name):
            self.outbox.put(*self._kept(run, stage, record, status, more or {}))

    def keep(self, run: StageRun, artifacts: Sequence[Path]) -> None:
        """Keep what is a run and no stage, in place of what was kept of it before."""
        with self._going_on(run.stage):
            self.outbox.put(run, artifacts)

    @contextmanager
    def _going_on(self, name: str) -> Iterator[None]:
        """Have sent what the block keeps.

        Work of hours does not end because nobody could write down that it was done.
        """
        try:
            yield
            self.sender.go()
        except (OSError, TrunnionError, ValueError) as error:
            self.troubles.append(f"{name}: {error}")

    def _kept(
        self, run: Run, stage: Stage, record: StageRecord, status: Status, more: dict[str, str]
    ) -> tuple[StageRun, Sequence[Path]]:
        now_ms = time.time_ns() // 1_000_000
        whole = status == "FINISHED"
        metrics, series = metrics_of(run, record) if whole else ({}, {})
        artifacts = artifacts_of(run, stage.name) if whole else []
        kept = StageRun(
            run_id=record.run_id,
            experiment=run.usecase.name,
            stage=stage.name,
            status=status,
            start_ms=self._began_ms(record, now_ms),
            end_ms=None if status == "RUNNING" else now_ms,
            params=params_of(run, stage.name),
            metrics=metrics,
            series=series,
            tags=lineage_of(run, record) | more,
            parents=parents_of(run, stage.after),
            artifacts=tuple(path.name for path in artifacts),
            registration=registration_of(run) if whole and stage.name == "pack" else None,
        )
        return kept, artifacts

    def _began_ms(self, record: StageRecord, now_ms: int) -> int:
        """When the attempt first began, as far as it is known here; MLflow keeps what it was told first."""
        known = self.outbox.get(record.run_id)
        return known.start_ms if known else now_ms - round(1000 * record.seconds)


def parents_of(run: Run, stages: Sequence[str]) -> dict[str, str]:
    """The attempts that made those of the stages that stand, by name."""
    records = {name: read_record(run.record(name)) for name in stages}
    return {name: record.run_id for name, record in records.items() if record and record.run_id}
