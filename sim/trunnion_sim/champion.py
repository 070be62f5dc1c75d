"""The champion that a proof holds its models against: opened from a bundle or a folder, played on the same seeds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trunnion_contract.bundle import MODEL, PROOF, open_bundle
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.progress import Progress
from trunnion_contract.proof import Comparison, Proof
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_edge.exported import load_export, read_network
from trunnion_sim.examiner import Job, Subject
from trunnion_sim.journal import Journal, recorded
from trunnion_sim.paired import Successes, compare, paired
from trunnion_sim.plan import Play, Results
from trunnion_sim.scenarios import Suite
from trunnion_sim.workers import Workers

EPISODES, JOURNAL, SUITE = "episodes.jsonl", "champion.jsonl", "suite.json"


@dataclass(frozen=True)
class Champion:
    """An export that was good enough once; `proof_dir` is the folder of its own proof, where there is one."""

    model: ModelManifest
    export_dir: Path
    proof_dir: Path | None = None

    @property
    def name(self) -> str:
        """How people call it."""
        return f"{self.model.name} {self.model.version}"


@contextmanager
def opened(against: Path) -> Iterator[Champion]:
    """Open a bundle, an export folder, or the folder of a run.

    Raises:
        BadInput: it is none of those, or its networks are not those of its manifest.
    """
    with tempfile.TemporaryDirectory(prefix="trunnion-champion-") as unpacked:
        if against.is_file():
            bundle = open_bundle(against)
            for name in (MODEL, *bundle.model.files()):
                Path(unpacked, name).write_bytes(bundle.read(name))
            yield Champion(bundle.model, Path(unpacked))
            return
        export_dir = against if (against / MODEL).is_file() else against / "export"
        if not (export_dir / MODEL).is_file():
            raise BadInput(
                where="--against",
                got=str(against),
                wanted="a bundle, the folder of an export, or the folder of a run",
                next_step="correct the path",
            )
        model, read = load_export(export_dir)
        for network in (model.detector, model.policy):
            if network:
                read_network(network, read)
        proof_dir = against / "prove"
        yield Champion(model, export_dir, proof_dir if (proof_dir / PROOF).is_file() else None)


def check_comparable(champion: Champion, usecase: UseCase, model: ModelManifest) -> None:
    """Refuse a champion that cannot play the same episodes.

    Raises:
        BadInput: it lacks a model that the candidate has, works in another cell, or finds other classes.
    """
    theirs = champion.model
    differing = [
        (what, got, wanted)
        for what, got, wanted in (
            ("models", _kinds(theirs), _kinds(model)),
            ("classes", _labels(theirs), _labels(model)),
        )
        if got != wanted
    ]
    if theirs.cell != usecase.cell:
        differing.append(("cell", "another layout", "the same layout, to the last number"))
    for what, got, wanted in differing:
        raise BadInput(
            where=f"--against {champion.name}: {what}",
            got=got,
            wanted=f"{wanted}, as the candidate has",
            next_step="name a champion of the same use case",
        )


def hold_against(
    champion: Champion,
    subject: Subject,
    plays: Sequence[Play],
    results: Results,
    runtime: dict[str, str],
    workers: int,
    progress: Progress,
) -> Comparison:
    """Play the champion where the candidate, `subject`, was played, and compare pair by pair.

    What the champion's own proof played in the same suite with the same runtime is taken from there, if the first
    episode of each row can be played again exactly.
    """
    theirs = replace(subject, export_dir=champion.export_dir)
    inputs = digest_json([champion.model.model_dump(mode="json"), _conditions(subject), runtime])
    with (
        Journal(subject.out_dir / JOURNAL, inputs) as journal,
        Workers(theirs, workers) as pool,
    ):
        _play(champion, subject, plays, runtime, journal, pool, progress)
        played = dict(journal.results)
    rows = [paired(play.name, _successes(play, results), _successes(play, played)) for play in plays]
    return compare(champion.name, champion.model.digest(), rows)


def _play(
    champion: Champion,
    subject: Subject,
    plays: Sequence[Play],
    runtime: dict[str, str],
    journal: Journal,
    pool: Workers,
    progress: Progress,
) -> None:
    known = _own_proof(champion, subject, runtime)
    first, rest = [play.jobs[0] for play in plays], [job for play in plays for job in play.jobs[1:]]
    _work_off(first, f"the champion, {champion.name}", journal, pool, progress)
    if all(_same(known.get(job.key), journal.results[job.key]) for job in first):
        for job in rest:
            if job.key in known and job.key not in journal.results:
                journal.add(job.key, known[job.key])
    if not all(job.key in journal.results for job in rest):
        _work_off(rest, f"the champion, {champion.name}, all episodes", journal, pool, progress)


def _work_off(jobs: Sequence[Job], label: str, journal: Journal, pool: Workers, progress: Progress) -> None:
    todo = [job for job in jobs if job.key not in journal.results]
    progress.start(label, len(jobs))
    progress.advance(len(jobs) - len(todo))
    for job, result in pool.do(todo):
        journal.add(job.key, result)
        progress.advance(1, job.scenario.replace("_", " "))
    progress.done()


def _own_proof(champion: Champion, subject: Subject, runtime: dict[str, str]) -> Results:
    """What the champion played in its own proof, if that was under the same conditions."""
    folder = champion.proof_dir
    if folder is None or subject.suite is None or not (folder / SUITE).is_file():
        return {}
    proof = read_json(Proof, folder / PROOF)
    made_of = (proof.model_digest, proof.runtime, read_json(Suite, folder / SUITE))
    return recorded(folder / EPISODES) if made_of == (champion.model.digest(), runtime, subject.suite) else {}


def _same(known: dict[str, Any] | None, played: dict[str, Any]) -> bool:
    return known is not None and known["trajectory_sha256"] == played["trajectory_sha256"]


def _conditions(subject: Subject) -> list[Any]:
    sections = (subject.suite, subject.cell, subject.training)
    return [section.model_dump(mode="json", by_alias=True) if section else None for section in sections]


def _successes(play: Play, results: Results) -> Successes:
    return {job.seed: bool(results[job.key]["success"]) for job in play.jobs}


def _kinds(model: ModelManifest) -> str:
    return " and ".join(kind for kind in ("detector", "policy") if getattr(model, kind))


def _labels(model: ModelManifest) -> str:
    return ", ".join(sorted(model.detector.spec.labels)) if model.detector else ""
