"""The proof: the exported files, run by the runtime that the robot runs, held against the gates of their use case.

Every result is in a journal before the next one counts, so a proof that is killed goes on where it stood. Results are
put together in the order of scenarios and seeds, so `proof.json` is the same whoever did the work and in which order.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from trunnion_contract.bundle import MODEL, PROOF, REPORT
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_file, digest_json, write_json, write_text
from trunnion_contract.manifest import DetectorVariant, ModelManifest, Precision
from trunnion_contract.progress import Progress
from trunnion_contract.proof import (
    DetectorEvaluation,
    Failure,
    Proof,
    ScenarioResult,
    VariantProof,
    wilson,
)
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_sim.episode import EpisodeResult, check_rate
from trunnion_sim.examiner import Job, Subject, same_trajectory
from trunnion_sim.gates import POLICY_ALONE, judge
from trunnion_sim.journal import Journal
from trunnion_sim.report.page import Picture, Pictures, render
from trunnion_sim.scenarios import Scenario, Suite, load_suite
from trunnion_sim.workers import Workers, available_cores

JOURNAL, SUITE = "episodes.jsonl", "suite.json"
FILMS_PER_SCENARIO = 3
# What decides about the numbers; a package that is not installed under one name may be under the other.
_RUNTIME = ("onnxruntime-gpu", "onnxruntime", "numpy", "opencv-python", "pybullet", "gymnasium")

Results = dict[str, Any]


def prove(
    usecase: UseCase,
    dataset_dir: Path,
    export_dir: Path,
    out_dir: Path,
    progress: Progress,
    workers: int | None = None,
) -> Proof:
    """Prove an export and write `proof.json`, `report.html`, samples and films of failures to `out_dir`.

    A call that was stopped leaves its journal in `out_dir`; the same call goes on from it.

    Args:
        workers: processes that share the work; None takes one for each core.

    Raises:
        BadInput: the export is of another use case, was changed, has a policy of another rate than the simulation's,
            or the dataset has nothing to test on.
        Broken: a worker died, or an episode could not be played again exactly.
    """
    model = read_json(ModelManifest, export_dir / MODEL)
    _check_export(usecase, model, export_dir)
    suite = load_suite(usecase) if usecase.prove.suite else None
    if suite and model.policy:
        check_rate(model.policy.spec)
    subject = Subject(export_dir, dataset_dir, out_dir, usecase.cell, suite, usecase.models.policy)
    jobs = _jobs(usecase, model, suite)
    inputs = digest_json([model.model_dump(mode="json"), _plain(suite), usecase.digest()])
    with (
        Journal(out_dir / JOURNAL, inputs) as journal,
        Workers(subject, min(workers or available_cores(), len(jobs))) as pool,
    ):
        _work_off(jobs, journal, pool, progress, "proving")
        films = _films(suite, model, journal.results)
        _work_off(films, journal, pool, progress, "filming failures")
        for film in films:
            _check_replay(film, journal.results)
        results = dict(journal.results)
    proof = _proof(usecase, model, suite, results)
    _write(proof, model, suite, results, out_dir)
    return proof


def _check_export(usecase: UseCase, model: ModelManifest, export_dir: Path) -> None:
    changed = [name for name, digest in model.files().items() if _digest(export_dir / name) != digest]
    if model.usecase_digest == usecase.digest() and not changed:
        return
    raise BadInput(
        where=str(export_dir / MODEL),
        got=f"another {changed[0]} than was exported" if changed else "an export of another use case",
        wanted="the export of this use case, unchanged",
        next_step="run trunnion export again",
    )


def _digest(path: Path) -> str | None:
    return digest_file(path) if path.is_file() else None


def _plain(suite: Suite | None) -> Any:
    return suite.model_dump(mode="json", by_alias=True) if suite else None


def _jobs(usecase: UseCase, model: ModelManifest, suite: Suite | None) -> list[Job]:
    """Everything to be done, the longest single job first."""
    networks = model.detector.networks if model.detector else ()
    detectors = [Job("detector", precision=precision) for precision in networks]
    policy = [Job("policy", POLICY_ALONE, seed) for seed in _policy_seeds(usecase)] if model.policy else []
    episodes = [job for scenario, precision in _plays(suite, model) for job in _episodes(scenario, precision)]
    return [*detectors, *episodes, *policy]


def _plays(suite: Suite | None, model: ModelManifest) -> list[tuple[Scenario, Precision]]:
    """Every scenario with fp32, and the nominal one with every network of less precision that may run on a robot."""
    if suite is None:
        return []
    fp32: list[tuple[Scenario, Precision]] = [(scenario, "fp32") for scenario in suite.scenarios]
    return fp32 + [(suite.nominal, variant.precision) for variant in _variants(model)]


def _variants(model: ModelManifest) -> tuple[DetectorVariant, ...]:
    return model.detector.variants if model.detector else ()


def _policy_seeds(usecase: UseCase) -> range:
    return range(usecase.prove.seed, usecase.prove.seed + usecase.prove.policy_episodes)


def _episodes(scenario: Scenario, precision: Precision = "fp32") -> list[Job]:
    return [Job("episode", scenario.name, seed, precision) for seed in scenario.seeds]


def _work_off(jobs: Sequence[Job], journal: Journal, pool: Workers, progress: Progress, label: str) -> None:
    todo = [job for job in jobs if job.key not in journal.results]
    if not jobs:
        return
    progress.start(label, len(jobs))
    progress.advance(len(jobs) - len(todo))
    for job, result in pool.do(todo):
        journal.add(job.key, result)
        progress.advance(1, job.scenario.replace("_", " ") or job.kind)
    progress.done()


def _films(suite: Suite | None, model: ModelManifest, results: Results) -> list[Job]:
    """The first failures of each scenario."""
    films = []
    for scenario, precision in _plays(suite, model):
        failed = [job for job in _episodes(scenario, precision) if not results[job.key]["success"]]
        films += [replace(job, kind="film") for job in failed[:FILMS_PER_SCENARIO]]
    return films


def _check_replay(film: Job, results: Results) -> None:
    first = results[replace(film, kind="episode").key]
    same_trajectory(first["trajectory_sha256"], results[film.key]["trajectory_sha256"], film)


def _proof(usecase: UseCase, model: ModelManifest, suite: Suite | None, results: Results) -> Proof:
    detector = _evaluation("fp32", results) if model.detector else None
    variants = tuple(_variant_proof(variant, suite, results) for variant in _variants(model))
    scenarios = tuple(
        _scenario_result(scenario.name, _episodes(scenario), scenario.success_lower_min, results)
        for scenario in (suite.scenarios if suite else ())
    )
    policy = _policy_result(usecase, results) if model.policy else None
    return Proof(
        name=usecase.name,
        version=usecase.version,
        usecase_digest=usecase.digest(),
        dataset_digest=model.dataset_digest,
        model_digest=model.digest(),
        files=model.files(),
        runtime=_runtime(),
        detector=detector,
        policy=policy,
        scenarios=scenarios,
        variants=variants,
        gates=judge(usecase.prove.gates, model, detector, policy, scenarios, variants),
        simulated=bool(scenarios),
    )


def _evaluation(precision: Precision, results: Results) -> DetectorEvaluation:
    found = results[Job("detector", precision=precision).key]
    return DetectorEvaluation.model_validate(found["evaluation"])


def _variant_proof(variant: DetectorVariant, suite: Suite | None, results: Results) -> VariantProof:
    precision, nominal = variant.precision, None
    if suite:
        jobs = _episodes(suite.nominal, precision)
        name, least = f"{suite.nominal.name}, {precision}", suite.nominal.success_lower_min
        nominal = _scenario_result(name, jobs, least, results)
    return VariantProof(
        precision=precision,
        sha256=variant.sha256,
        detector=_evaluation(precision, results),
        nominal=nominal,
    )


def _runtime() -> dict[str, str]:
    versions = {"device": "cpu, one thread"}
    for name in _RUNTIME:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _policy_result(usecase: UseCase, results: Results) -> ScenarioResult:
    jobs = [Job("policy", POLICY_ALONE, seed) for seed in _policy_seeds(usecase)]
    return _scenario_result(POLICY_ALONE, jobs, usecase.prove.gates.policy_success_lower_min, results)


def _scenario_result(
    name: str, jobs: Sequence[Job], success_lower_min: float | None, results: Results
) -> ScenarioResult:
    episodes = [EpisodeResult.model_validate(results[job.key]) for job in jobs]
    times_s = [episode.time_s for episode in episodes if episode.success]
    trajectories = "".join(episode.trajectory_sha256 for episode in episodes)
    return ScenarioResult(
        name=name,
        success=wilson(sum(episode.success for episode in episodes), len(episodes)),
        success_lower_min=success_lower_min,
        limit_violations=sum(episode.limit_violations for episode in episodes),
        interventions=sum(episode.interventions for episode in episodes),
        median_time_s=round(statistics.median(times_s), 3) if times_s else None,
        trajectory_sha256=hashlib.sha256(trajectories.encode()).hexdigest(),
        failures=tuple(
            Failure(seed=job.seed, reason=episode.reason, picture=_film_of(job, results))
            for job, episode in zip(jobs, episodes, strict=True)
            if not episode.success
        ),
    )


def _film_of(job: Job, results: Results) -> str | None:
    film = results.get(replace(job, kind="film").key)
    return film["file"] if film else None


def _write(proof: Proof, model: ModelManifest, suite: Suite | None, results: Results, out_dir: Path) -> None:
    """The report first: a folder with a proof in it is a whole one."""
    found = results.get(Job("detector").key)
    captions = found["samples"] if found else {}
    samples = [_picture(out_dir, file, text) for file, text in sorted(captions.items())]
    films = [result["file"] for key, result in results.items() if key.startswith("film ")]
    if suite:
        write_json(out_dir / SUITE, _plain(suite))
    write_text(
        out_dir / REPORT,
        render(proof, model, Pictures(samples, {file: _picture(out_dir, file, "") for file in films})),
    )
    write_json(out_dir / PROOF, proof.model_dump(mode="json", by_alias=True))


def _picture(out_dir: Path, file: str, caption: str) -> Picture:
    path = out_dir / file
    return Picture(caption, path.suffix, path.read_bytes())
