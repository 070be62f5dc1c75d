"""An episode of a proof, played again from its seed, and held against what the proof recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from trunnion_contract.bundle import PROOF
from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Precision
from trunnion_contract.proof import Proof
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_sim.drawing import enlarged
from trunnion_sim.episode import EpisodeResult
from trunnion_sim.examiner import Examiner, Job, Subject, same_trajectory
from trunnion_sim.gates import POLICY_ALONE
from trunnion_sim.journal import recorded
from trunnion_sim.moment import Moment, Watch
from trunnion_sim.plan import film_of
from trunnion_sim.prove import JOURNAL, SUITE
from trunnion_sim.scenarios import Suite

Say = Callable[[str], None]


@dataclass(frozen=True)
class Replayed:
    """What became of the episode; one that is `in_proof` was the same there to the last bit."""

    result: EpisodeResult
    in_proof: bool


def replay(
    run_dir: Path,
    seed: int,
    say: Say,
    scenario: str | None = None,
    precision: Precision = "fp32",
    film_dir: Path | None = None,
    window: bool = False,
    proof_dir: Path | None = None,
) -> Replayed:
    """Play an episode of a run's proof again, telling what the executive decides.

    Args:
        run_dir: the folder of a run, with its `usecase.json`, `export` and `prove`.
        scenario: of the suite, or the policy alone; None takes the one in which the seed failed.
        precision: of the detector.
        film_dir: where to put a film of the episode, and its log.
        window: show it in a window as well, as fast as it happens.
        proof_dir: the folder of the proof, where it is not the `prove` of the run.

    Raises:
        BadInput: the run is not there, its suite has no such scenario, its detector is not of that precision, or there
            is no display for a window, or nothing to draw in the policy's environment.
        Broken: the episode was another one than in the proof.
    """
    proof_dir = proof_dir or run_dir / "prove"
    usecase = read_json(UseCase, run_dir / "usecase.json")
    suite = read_json(Suite, proof_dir / SUITE) if (proof_dir / SUITE).is_file() else None
    name = scenario or _failed_in(read_json(Proof, proof_dir / PROOF), seed)
    _check(name, suite, usecase)
    job = Job("policy" if name == POLICY_ALONE else "episode", name, seed, precision)
    out_dir = film_dir or run_dir
    subject = Subject(run_dir / "export", None, out_dir, usecase.cell, suite, usecase.models.policy)
    shown = _Window() if window else None
    with Examiner(subject, _narrator(say)) as examiner:
        result = EpisodeResult.model_validate(examiner.do(job))
        if shown:
            examiner.show(job, shown.show)
        if film_dir:
            film = examiner.do(film_of(job))
            say(f"film: {film_dir / film['file'] if film['file'] else 'none, ' + film['unfilmed']}")
            say(f"log:  {film_dir / film['log']}")
    before = recorded(proof_dir / JOURNAL).get(job.key)
    if before:
        same_trajectory(before["trajectory_sha256"], result.trajectory_sha256, job)
    return Replayed(result, before is not None)


def _failed_in(proof: Proof, seed: int) -> str:
    """The one scenario in which the seed failed."""
    rows = [*proof.scenarios, *([proof.policy] if proof.policy else [])]
    failed = [row.name for row in rows if seed in [failure.seed for failure in row.failures]]
    if len(failed) == 1:
        return failed[0]
    known = ", ".join(failed) if failed else ", ".join(row.name for row in rows)
    raise BadInput(
        where=f"seed {seed}",
        got="a failure in more than one scenario" if failed else "no failure of that seed in the proof",
        wanted=f"one of {known}",
        next_step="name it with --scenario",
    )


def _check(name: str, suite: Suite | None, usecase: UseCase) -> None:
    known = [scenario.name for scenario in (suite.scenarios if suite else ())]
    known += [POLICY_ALONE] if usecase.models.policy else []
    if name not in known:
        raise BadInput(
            where="--scenario",
            got=f"'{name}'",
            wanted=f"one of {', '.join(known)}",
            next_step="correct the name",
        )


def _narrator(say: Say) -> Watch:
    told = ""

    def watch(moment: Moment) -> None:
        nonlocal told
        if moment.message != told:
            told = moment.message
            say(f"{moment.now_s:6.2f} s  {moment.phase:8}  {told}")

    return watch


class _Window:
    """A window with the picture of every period."""

    def __init__(self) -> None:
        self._then_s = 0.0
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise BadInput(
                where="--window",
                got="no display: neither DISPLAY nor WAYLAND_DISPLAY is set",
                wanted="a desktop",
                next_step="take --film DIR, which needs none",
            )

    def show(self, moment: Moment) -> None:
        """Wait as long as the last period lasted, and draw this one."""
        if (picture := moment.picture()) is None:
            return
        cv2.waitKey(max(round((moment.now_s - self._then_s) * 1000), 1))
        self._then_s = moment.now_s
        larger = cv2.resize(enlarged(picture), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        cv2.imshow("trunnion replay", larger)
        cv2.setWindowTitle("trunnion replay", f"{moment.now_s:.1f} s  {moment.message}")
