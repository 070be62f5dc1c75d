"""A search and its trials as runs of MLflow: each trial a child of the search."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trunnion.pipeline import Run, Tracker
from trunnion.record import StageRecord
from trunnion.tracking.facts import lineage_of
from trunnion.tracking.stage_run import StageRun, Status
from trunnion.tracking.tracker import JournalTracker, parents_of
from trunnion.tuning.memory import FOLDER, SearchRecord
from trunnion_contract.files import digest_json
from trunnion_contract.tuning import Tuning
from trunnion_training.tuning.book import EPOCH, now_ms
from trunnion_training.tuning.choice import Chosen
from trunnion_training.tuning.trials import State, TrialRecord

_STATUS: dict[State, Status] = {
    "running": "RUNNING", "complete": "FINISHED", "stopped": "KILLED", "failed": "FAILED",
}  # fmt: skip
_ERROR_CHARACTERS = 500


@dataclass(frozen=True)
class Tracked:
    """Who tells the tracker of a search."""

    tracker: Tracker
    run: Run
    search: SearchRecord
    tuning: Tuning
    given: tuple[str, ...] = ()

    def began(self) -> None:
        """The search begins, or goes on."""
        self._keep(self._whole("RUNNING"))

    def stopped(self, error: BaseException, trials: list[TrialRecord]) -> None:
        """The search was stopped, or broke; trials that are not at their end run no longer."""
        for trial in trials:
            if trial.state == "running":
                self._keep(self._trial(trial).model_copy(update={"status": "KILLED"}))
        status: Status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        self._keep(self._whole(status, {"trunnion.error": f"{type(error).__name__}: {error}"}))

    def ended(self, chosen: Chosen, trials: list[TrialRecord], artifacts: list[Path]) -> None:
        """The search is at its end."""
        states = {f"trials.{state}": float(sum(one.state == state for one in trials)) for state in _STATUS}
        found = {f"chosen.{name}": value for name, value in chosen.trial.figures.items()}
        whole = self._whole("FINISHED", {"trunnion.chosen": str(chosen.trial.number)})
        changes = {"metrics": states | found, "artifacts": tuple(path.name for path in artifacts)}
        self._keep(whole.model_copy(update=changes), artifacts)

    def told(self, trial: TrialRecord) -> None:
        """A trial began, or is at its end."""
        self._keep(self._trial(trial))

    def _trial(self, trial: TrialRecord) -> StageRun:
        of_trial = digest_json([self.search.run_id, trial.number])[:32]
        tags = {"trunnion.stage": f"{FOLDER}.trial", "trunnion.stage_run": of_trial}
        tags |= {"trunnion.trial": str(trial.number), "trunnion.trial_state": trial.state}
        return StageRun(
            run_id=of_trial,
            experiment=self.run.usecase.name,
            stage=f"{FOLDER}.{trial.number:04d}",
            status=_STATUS[trial.state],
            start_ms=trial.began_ms,
            end_ms=trial.ended_ms,
            params={name: str(value) for name, value in trial.values.items()},
            metrics={"seconds": trial.seconds} | dict(trial.figures.items()),
            series={name: values for name, values in trial.series.items() if name != EPOCH},
            tags=tags | ({"trunnion.error": trial.why[:_ERROR_CHARACTERS]} if trial.why else {}),
            parents={FOLDER: self.search.run_id},
        )

    def _whole(self, status: Status, more: dict[str, str] | None = None) -> StageRun:
        about = StageRecord(
            stage=FOLDER,
            inputs=self.search.about,
            outputs={},
            seconds=self.search.spent_s,
            run_id=self.search.run_id,
        )
        section = self.tuning.model_dump(mode="json")
        return StageRun(
            run_id=self.search.run_id,
            experiment=self.run.usecase.name,
            stage=FOLDER,
            status=status,
            start_ms=self.search.began_ms,
            end_ms=None if status == "RUNNING" else now_ms(),
            params={name: str(value)[:_ERROR_CHARACTERS] for name, value in section.items()},
            parents=parents_of(self.run, self.given),
            tags=lineage_of(self.run, about) | {k: v[:_ERROR_CHARACTERS] for k, v in (more or {}).items()},
        )

    def _keep(self, run: StageRun, artifacts: list[Path] | None = None) -> None:
        if isinstance(self.tracker, JournalTracker):
            self.tracker.keep(run, artifacts or [])
