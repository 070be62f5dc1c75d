"""One trial: the stages of the flow from training to export with other settings, and what they made is worth.

It stands in a folder of its own and is skipped, resumed and recorded there as any run is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trunnion.exclusive import only_one
from trunnion.pipeline import Run, Stage, run_stages
from trunnion.stages import STAGES
from trunnion.tuning.checks import room
from trunnion_contract.bundle import PROOF
from trunnion_contract.errors import BadInput
from trunnion_contract.proof import Proof
from trunnion_contract.strict import read_json
from trunnion_contract.tuning import Objective, Tuning
from trunnion_contract.usecase import UseCase
from trunnion_contract.workers import RAY_ADDRESS, begin_work
from trunnion_training.cluster.room import Room
from trunnion_training.cluster.search import Report
from trunnion_training.tuning.book import EPOCH
from trunnion_training.tuning.trials import Trials

_DONE_HERE = ("train.detector", "train.policy", "train", "export", "prove")
_NOTICED_WITHIN_S = 60


@dataclass(frozen=True)
class Attempt:
    """Tries the trial of a number; every process that does has the same run folder before it.

    Attributes:
        given: stages that were made before, once for all trials.
    """

    usecase: UseCase
    run_folder: Path
    trials: Trials
    given: tuple[str, ...] = ("data",)

    def __call__(self, number: int, report: Report) -> dict[Objective, float]:
        """What the trial came to, in each objective."""
        tuning = self.usecase.tuning
        assert tuning is not None, "a search comes with a section"
        _use_own_processes(room(self.usecase))
        run = Run(self._usecase(number), self.trials.place(number))
        _wait_for_whoever_is_at_it(run)
        for stage in self.given:
            self._take_over(stage, run)
        until = "prove" if "success" in tuning.objectives else "export"
        run_stages(run, stages_of(self.given), until, Reporting(run, report))
        return measured(tuning, run)

    def _usecase(self, number: int) -> UseCase:
        tuning = self.usecase.tuning
        assert tuning is not None, "a search comes with a section"
        values: dict[str, Any] = dict(self.trials.read(number).values)
        return self.usecase.varied(values | proof_settings(tuning), f"trial {number}")

    def _take_over(self, stage: str, run: Run) -> None:
        """Let a stage of the whole use case stand here, too, by links."""
        from_run = Run(self.usecase, self.run_folder.resolve())
        for there, here in (
            (from_run.stage(stage), run.stage(stage)),
            (from_run.record(stage), run.record(stage)),
        ):
            if there.exists() and not here.is_symlink():
                here.symlink_to(there)


def proof_settings(tuning: Tuning) -> dict[str, Any]:
    """What is written over the `prove` section where success is an objective."""
    if "success" not in tuning.objectives:
        return {}
    suite = {"prove.suite": tuning.proof.suite} if tuning.proof.suite else {}
    return {"prove.policy_episodes": tuning.proof.policy_episodes, **suite}


def stages_of(given: tuple[str, ...]) -> tuple[Stage, ...]:
    """The flow of a trial; what was given is read, and not made."""
    return tuple(stage for stage in STAGES if stage.name in _DONE_HERE and stage.name not in given)


def measured(tuning: Tuning, run: Run) -> dict[Objective, float]:
    """The objectives, by what was exported."""
    by_name = {"accuracy": _accuracy, "latency": _latency, "success": _success}
    return {name: by_name[name](tuning, run) for name in tuning.objectives}


def _accuracy(tuning: Tuning, run: Run) -> float:
    """mAP50-95 of the exported file on the validation split: the test split is for the proof."""
    from trunnion_contract.progress import Silent
    from trunnion_edge.backends import EngineSettings, open_engine
    from trunnion_edge.exported import load_export
    from trunnion_training.vision.evaluate import evaluate

    manifest, _ = load_export(run.stage("export"))
    assert manifest.detector is not None, "accuracy is an objective of detectors"
    file, spec = run.stage("export") / manifest.detector.file, manifest.detector.spec
    with open_engine(file, EngineSettings(device="cpu", threads=tuning.cores)) as engine:
        return round(evaluate(engine, spec, run.stage("data"), "val", Silent()).map50_95, 6)


def _latency(tuning: Tuning, run: Run) -> float:
    """Milliseconds for an image, here or on the machine that is the target."""
    from trunnion.bench.latency import detector_latency_ms

    settings, folder = tuning.latency, run.stage("export").resolve()
    if settings.target is None:
        return detector_latency_ms(folder, settings.runs, settings.threads)
    from trunnion_training.cluster.elsewhere import call_on

    given = (folder, settings.runs, settings.threads)
    return float(call_on(settings.target, tuning.losses_max, detector_latency_ms, *given))


def _success(tuning: Tuning, run: Run) -> float:
    """The share of episodes of the small proof that succeeded, over all its scenarios."""
    proof = read_json(Proof, run.stage("prove") / PROOF)
    played = proof.scenarios or ((proof.policy,) if proof.policy else ())
    return sum(one.success.successes for one in played) / sum(one.success.trials for one in played)


def _wait_for_whoever_is_at_it(run: Run) -> None:
    """Let a process that was given up come to its end: it may take a moment to notice.

    Raises:
        BadInput: it lives on; names it.
    """
    for left in reversed(range(_NOTICED_WITHIN_S)):
        try:
            with only_one(run.folder / ".lock", "at this trial"):
                return
        except BadInput:
            if not left:
                raise
            time.sleep(1)


def _use_own_processes(taken: Room) -> None:
    """Let what fans out stay with this process: Ray would wait for cores that the trial itself holds."""
    if taken.held:
        os.environ.pop(RAY_ADDRESS, None)
        begin_work(taken.held)


@dataclass
class Reporting:
    """A watcher that tells of each epoch that the detector has finished; of those of before a loss, too."""

    run: Run
    report: Report
    _said: int = field(default=0, init=False)
    _looked_ns: int = field(default=-1, init=False)

    def began(self, stage: str, why: str) -> None:
        """Look."""
        self._look()

    def ended(self, stage: str, seconds: float) -> None:
        """Look."""
        self._look()

    def reused(self, stage: str) -> None:
        """Look."""
        self._look()

    def start(self, label: str, total: int) -> None:
        """Look."""
        self._look()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Look."""
        self._look()

    def done(self, note: str = "") -> None:
        """Look."""
        self._look()

    def _look(self) -> None:
        for epoch in self._epochs()[self._said :]:
            self._said += 1
            self.report(epoch)

    def _epochs(self) -> list[Mapping[str, float]]:
        """What each finished epoch came to, where there is anything new to read."""
        from trunnion_training.vision.finetune import METRICS, history_file

        finished = self.run.stage("train.detector") / METRICS
        learning = history_file(self.run.stage("train.detector").with_name(".train.detector.part"))
        file = finished if finished.exists() else learning
        try:
            changed_ns, text = file.stat().st_mtime_ns, ""
            if changed_ns == self._looked_ns:
                return []
            text, self._looked_ns = file.read_text(), changed_ns
        except OSError:
            return []
        history = json.loads(text)
        history = history.get("history", history)
        names = [name for name, values in history.items() if len(values) == len(history.get(EPOCH, ()))]
        return [
            {EPOCH: number, **{name: history[name][number - 1] for name in names if name != EPOCH}}
            for number in range(1, len(history.get(EPOCH, ())) + 1)
        ]
