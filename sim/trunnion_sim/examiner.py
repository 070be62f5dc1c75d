"""What a worker of a proof does: open the exported files once, then do one job after another with them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import cv2

from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.files import whole_file
from trunnion_contract.manifest import Precision
from trunnion_contract.policy_training import PolicyTraining
from trunnion_edge.backends import EngineSettings
from trunnion_edge.detector import Detector
from trunnion_edge.exported import load_export
from trunnion_edge.policy import Policy
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.environment import Environment, open_environment, plays_in_a_cell
from trunnion_sim.episode import EpisodeResult, play
from trunnion_sim.evaluation import evaluate_detector
from trunnion_sim.film import FRAME_MS, Recording, h264
from trunnion_sim.gates import POLICY_ALONE
from trunnion_sim.moment import Watch
from trunnion_sim.policy_episode import RENDER_MODE, check_spaces, play_policy
from trunnion_sim.scenarios import Scenario, Suite

SAMPLES, FAILURES = "samples", "failures"
# Two workers fill two cores, and sums are made in one order everywhere.
ONE_THREAD = EngineSettings(device="cpu", threads=1)

Kind = Literal["detector", "policy", "episode", "film"]


@dataclass(frozen=True)
class Job:
    """One piece of a proof that a worker does by itself, with the detector in one precision.

    Attributes:
        unlisted: the scenario of an episode, where it is in no suite.
    """

    kind: Kind
    scenario: str = ""
    seed: int = 0
    precision: Precision = "fp32"
    unlisted: Scenario | None = None

    @property
    def key(self) -> str:
        """A name that no other job of the proof has."""
        return f"{self.kind} {self.scenario} {self.seed}{self._suffix(' ')}"

    @property
    def film(self) -> str:
        """The file of its film."""
        return f"{self._file}.mp4"

    @property
    def log(self) -> str:
        """The file of its log."""
        return f"{self._file}.jsonl"

    @property
    def _file(self) -> str:
        return f"{FAILURES}/{self.scenario}-{self.seed}{self._suffix('-')}"

    def _suffix(self, separator: str) -> str:
        return "" if self.precision == "fp32" else f"{separator}{self.precision}"


@dataclass(frozen=True)
class Subject:
    """What is proven, and in what: enough for a worker process to open everything by itself."""

    export_dir: Path
    dataset_dir: Path | None
    out_dir: Path
    cell: CellLayout | None
    suite: Suite | None
    training: PolicyTraining | None


class Examiner:
    """Does jobs. Whatever it did before, a job gives the same result; `watch` looks on while episodes are played."""

    def __init__(self, subject: Subject, watch: Watch | None = None) -> None:
        self._subject = subject
        self._watch = watch
        self._manifest, self._read = load_export(subject.export_dir)
        self._open = ExitStack()
        self._detectors: dict[Precision, Detector] = {}

    def __enter__(self) -> Examiner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def do(self, job: Job) -> dict[str, Any]:
        """The result of a job, as plain data."""
        if job.kind == "detector":
            return self._evaluate(job)
        if job.kind == "policy":
            return self._play_policy(self._env, job, self._watch).model_dump()
        if job.kind == "film":
            return self._film_policy(job) if job.scenario == POLICY_ALONE else self._film(job)
        return self._play(job).model_dump()

    def show(self, job: Job, watch: Watch) -> None:
        """Play an episode for its pictures.

        Raises:
            BadInput: it is one of the policy alone, in an environment that cannot be drawn.
        """
        if job.scenario != POLICY_ALONE:
            self._play(job, watch)
        elif not self._can_be_drawn:
            raise BadInput(
                where="the policy's environment",
                got=", ".join(self._env.metadata.get("render_modes", ())) or "no render modes",
                wanted=RENDER_MODE,
                next_step="look at the log of the episode, or add that render mode to the environment",
            )
        else:
            self._play_policy(self._drawing_env, job, watch)

    def _detector(self, job: Job) -> Detector:
        """The detector in the job's precision and no other, whichever is faster here."""
        if job.precision not in self._detectors:
            detector = Detector.from_model(self._manifest, self._read, ONE_THREAD, precision=job.precision)
            self._detectors[job.precision] = self._open.enter_context(detector)
        return self._detectors[job.precision]

    @cached_property
    def _policy(self) -> Policy:
        return self._open.enter_context(Policy.from_model(self._manifest, self._read, ONE_THREAD))

    @cached_property
    def _cell(self) -> SimulatedCell:
        assert self._subject.cell is not None, "a suite comes with a cell"
        return self._open.enter_context(SimulatedCell(self._subject.cell))

    @property
    def _training(self) -> PolicyTraining:
        """Of what is exported here: a champion may have learnt with other options of the environment."""
        assert self._subject.training is not None, "a policy comes with its training"
        policy = self._manifest.policy
        return self._subject.training.model_copy(update={"env_options": policy.env_options if policy else {}})

    @cached_property
    def _env(self) -> Environment:
        env = open_environment(self._training, self._subject.cell)
        self._open.callback(env.close)
        check_spaces(env, self._policy.spec)
        return env

    @cached_property
    def _drawing_env(self) -> Environment:
        env = open_environment(self._training, self._subject.cell, render_mode=RENDER_MODE)
        self._open.callback(env.close)
        return env

    @property
    def _can_be_drawn(self) -> bool:
        return RENDER_MODE in self._env.metadata.get("render_modes", ())

    def _evaluate(self, job: Job) -> dict[str, Any]:
        assert self._subject.dataset_dir is not None, "a detector comes with a dataset"
        result, samples = evaluate_detector(self._detector(job), self._subject.dataset_dir)
        captions: dict[str, str] = {}
        if job.precision != "fp32":
            return {"evaluation": result.model_dump(mode="json"), "samples": captions}
        for number, sample in enumerate(samples):
            file = f"{SAMPLES}/{number:02d}.jpg"
            captions[file] = sample.caption
            self._write(file, sample.data)
        return {"evaluation": result.model_dump(mode="json"), "samples": captions}

    def _play(self, job: Job, watch: Watch | None = None) -> EpisodeResult:
        detector = self._detector(job)
        return play(self._cell, detector, self._policy, self._scenario(job), job.seed, watch or self._watch)

    def _scenario(self, job: Job) -> Scenario:
        if job.unlisted:
            return job.unlisted
        assert self._subject.suite is not None, "an episode comes with a suite"
        return self._subject.suite.scenario(job.scenario)

    def _play_policy(self, env: Environment, job: Job, watch: Watch | None) -> EpisodeResult:
        has_limits = plays_in_a_cell(self._training, self._subject.cell)
        return play_policy(env, self._policy, job.seed, has_limits, watch)

    def _film(self, job: Job) -> dict[str, Any]:
        """Play an episode again, this time filming it and keeping a log."""
        recording = Recording()
        result = self._play(job, recording.watch)
        self._write(job.film, h264(recording.frames, FRAME_MS))
        self._write(job.log, recording.log.encode())
        return _kept(job, result)

    def _film_policy(self, job: Job) -> dict[str, Any]:
        """The same for the policy alone. Its log is of the environment that was proven, its film of one that draws."""
        recording = Recording()
        result = self._play_policy(self._env, job, recording.watch)
        self._write(job.log, recording.log.encode())
        return _kept(job, result, self._why_unfilmed(job, result))

    def _why_unfilmed(self, job: Job, proven: EpisodeResult) -> str:
        """Film the episode, or say why that cannot be: a film of another course would mislead."""
        if not self._can_be_drawn:
            return f"no {RENDER_MODE} among the environment's render modes"
        recording = Recording(every=1)
        try:
            drawn = self._play_policy(self._drawing_env, job, recording.watch)
        except Exception as error:  # whatever foreign drawing raises, a proof does not end by it
            return f"the environment could not be drawn: {' '.join(str(error).split())}"
        if drawn.trajectory_sha256 != proven.trajectory_sha256:
            return "drawing the environment changes its course"
        self._write(job.film, h264(recording.frames, FRAME_MS))
        return ""

    def _write(self, file: str, data: bytes) -> None:
        with whole_file(self._subject.out_dir / file) as temporary:
            temporary.write_bytes(data)


def _kept(job: Job, result: EpisodeResult, unfilmed: str = "") -> dict[str, Any]:
    return {
        "file": None if unfilmed else job.film,
        "log": job.log,
        "unfilmed": unfilmed,
        "trajectory_sha256": result.trajectory_sha256,
    }


def same_trajectory(first: str, again: str, job: Job) -> None:
    """Refuse a proof whose episodes cannot be played again.

    Raises:
        Broken: the two digests differ.
    """
    if first != again:
        raise Broken(
            where=f"scenario {job.scenario}, seed {job.seed}",
            got="another trajectory when it was played again",
            wanted="the same one, to the last bit",
            next_step="report this: the simulation kept something from one episode to the next",
        )


def single_threaded() -> None:
    """Keep OpenCV to the one core that a worker has."""
    cv2.setNumThreads(1)
