"""The proof: the exported files, run by the runtime that the robot runs, held against the gates of their use case.

Every result is in a journal before the next one counts, so a proof that is killed goes on where it stood. Results are
put together in the order of scenarios and seeds, so `proof.json` is the same whoever did the work and in which order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

from trunnion_contract.bundle import MODEL, PROOF, REPORT
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_file, digest_json, write_json, write_text
from trunnion_contract.manifest import LEARNING_CURVES, DetectorVariant, ModelManifest
from trunnion_contract.progress import Progress
from trunnion_contract.proof import Comparison, DetectorEvaluation, Proof, ScenarioResult, VariantProof
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_contract.workers import available_cores
from trunnion_sim.champion import check_comparable, hold_against, opened
from trunnion_sim.episode import check_rate
from trunnion_sim.examiner import Job, Subject, same_trajectory
from trunnion_sim.gates import POLICY_ALONE, judge
from trunnion_sim.journal import Journal
from trunnion_sim.plan import Play, closed_loop, film_of, policy_alone, undecided
from trunnion_sim.report.page import Picture, Pictures, render
from trunnion_sim.scenarios import Suite, load_suite
from trunnion_sim.tally import tally
from trunnion_sim.workers import Workers

JOURNAL, SUITE = "episodes.jsonl", "suite.json"
FILMS_PER_SCENARIO = 3
# What decides about the numbers; a package that is not installed under one name may be under the other.
_RUNTIME = ("onnxruntime-gpu", "onnxruntime", "numpy", "opencv-python", "pybullet", "gymnasium")

Results = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How to prove, where it differs from the use case.

    Attributes:
        suite: another suite than the use case names: a file beside it, or one that is shipped.
        sequential: scenarios end early where their verdict is clear, also where the use case does not ask for it.
        against: the champion: a bundle, the folder of an export, or the folder of a run. All planned episodes are then
            played, because a rule that looks at the candidate alone would choose the pairs to its taste.
    """

    suite: str | None = None
    sequential: bool = False
    against: Path | None = None


def prove(
    usecase: UseCase,
    dataset_dir: Path,
    export_dir: Path,
    out_dir: Path,
    progress: Progress,
    workers: int | None = None,
    options: Options = Options(),
) -> Proof:
    """Prove an export and write `proof.json`, `report.html`, samples and films of failures to `out_dir`.

    A call that was stopped leaves its journal in `out_dir`; the same call goes on from it.

    Args:
        workers: processes that share the work; None takes one for each core.

    Raises:
        BadInput: the export is of another use case, was changed, has a policy of another rate than the simulation's,
            the dataset has nothing to test on, or the champion cannot be compared.
        Broken: workers died again and again, or an episode could not be played again exactly.
    """
    model = read_json(ModelManifest, export_dir / MODEL)
    _check_export(usecase, model, export_dir)
    suite = _suite(usecase, options)
    if suite and model.policy:
        check_rate(model.policy.spec)
    subject = Subject(export_dir, dataset_dir, out_dir, usecase.cell, suite, usecase.models.policy)
    sequential = (options.sequential or usecase.prove.sequential) and options.against is None
    plays = closed_loop(model, suite, sequential)
    alone = policy_alone(usecase) if model.policy else None
    count = workers or available_cores()
    with ExitStack() as stack:
        champion = stack.enter_context(opened(options.against)) if options.against else None
        if champion:
            check_comparable(champion, usecase, model)
        results = _played(subject, model, usecase, [*plays, *([alone] if alone else [])], count, progress)
        comparison = None
        if champion:
            # Precisions are held against fp32 by gates of their own.
            rows = [*plays[: len(suite.scenarios) if suite else 0], *([alone] if alone else [])]
            comparison = hold_against(champion, subject, rows, results, _runtime(), count, progress)
    proof = _proof(usecase, model, suite, plays, alone, results, comparison)
    _write(proof, model, results, subject)
    return proof


def _suite(usecase: UseCase, options: Options) -> Suite | None:
    if options.suite:
        asked = usecase.prove.model_copy(update={"suite": options.suite})
        return load_suite(usecase.model_copy(update={"prove": asked}))
    return load_suite(usecase) if usecase.prove.suite else None


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


def _played(
    subject: Subject,
    model: ModelManifest,
    usecase: UseCase,
    plays: Sequence[Play],
    count: int,
    progress: Progress,
) -> Results:
    """Everything that is measured about the candidate, the longest single job first, and films of its failures."""
    networks = model.detector.networks if model.detector else ()
    detectors = [Job("detector", precision=precision) for precision in networks]
    jobs = [*detectors, *(job for play in plays for job in play.jobs)]
    inputs = digest_json([model.model_dump(mode="json"), _plain(subject.suite), usecase.digest()])
    with (
        Journal(subject.out_dir / JOURNAL, inputs) as journal,
        Workers(subject, min(count, len(jobs))) as pool,
    ):
        progress.start("proving", len(jobs))
        progress.advance(sum(job.key in journal.results for job in jobs))
        todo = [job for job in detectors if job.key not in journal.results]
        _work_off(chain(todo, undecided(plays, journal.results, progress)), journal, pool, progress)
        progress.done()
        _film(plays, journal, pool, progress)
        return dict(journal.results)


def _work_off(jobs: Iterable[Job], journal: Journal, pool: Workers, progress: Progress) -> None:
    for job, result in pool.do(jobs):
        journal.add(job.key, result)
        progress.advance(1, job.scenario.replace("_", " ") or job.kind)


def _film(plays: Sequence[Play], journal: Journal, pool: Workers, progress: Progress) -> None:
    """Film the first failures of each row, and see that each in the cell was the same as when it was proven.

    The policy's environment may be somebody else's, who promises nothing; the row then says what was found.
    """
    films = [film for play in plays for film in _films(play, journal.results)]
    todo = [film for film in films if film.key not in journal.results]
    if not films:
        return
    progress.start("filming failures", len(films))
    progress.advance(len(films) - len(todo))
    _work_off(todo, journal, pool, progress)
    progress.done()
    for play in plays:
        for job in play.counted(journal.results) if play.name != POLICY_ALONE else ():
            if film := journal.results.get(film_of(job).key):
                first = journal.results[job.key]["trajectory_sha256"]
                same_trajectory(first, film["trajectory_sha256"], job)


def _films(play: Play, results: Results) -> list[Job]:
    failed = [job for job in play.counted(results) if not results[job.key]["success"]]
    return [film_of(job) for job in failed[:FILMS_PER_SCENARIO]]


def _proof(
    usecase: UseCase,
    model: ModelManifest,
    suite: Suite | None,
    plays: Sequence[Play],
    alone: Play | None,
    results: Results,
    comparison: Comparison | None,
) -> Proof:
    detector = _evaluation(Job("detector"), results) if model.detector else None
    rows = [tally(play, results) for play in plays]
    scenarios = tuple(rows[: len(suite.scenarios)]) if suite else ()
    networks = model.detector.variants if model.detector else ()
    nominal: Sequence[ScenarioResult | None] = rows[len(scenarios) :] or [None] * len(networks)
    variants = tuple(
        _variant_proof(variant, row, results) for variant, row in zip(networks, nominal, strict=True)
    )
    policy = tally(alone, results) if alone else None
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
        comparison=comparison,
        gates=judge(usecase.prove.gates, model, detector, policy, scenarios, variants, comparison),
        simulated=bool(scenarios),
    )


def _evaluation(job: Job, results: Results) -> DetectorEvaluation:
    return DetectorEvaluation.model_validate(results[job.key]["evaluation"])


def _variant_proof(
    variant: DetectorVariant, nominal: ScenarioResult | None, results: Results
) -> VariantProof:
    return VariantProof(
        precision=variant.precision,
        sha256=variant.sha256,
        detector=_evaluation(Job("detector", precision=variant.precision), results),
        nominal=nominal,
    )


def _runtime() -> dict[str, str]:
    versions = {"device": "cpu, one thread"}
    for name in _RUNTIME:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _write(proof: Proof, model: ModelManifest, results: Results, subject: Subject) -> None:
    """The report first: a folder with a proof in it is a whole one."""
    out_dir = subject.out_dir
    found = results.get(Job("detector").key)
    captions = found["samples"] if found else {}
    samples = [_picture(out_dir, file, text) for file, text in sorted(captions.items())]
    films = [result["file"] for key, result in results.items() if key.startswith("film ") and result["file"]]
    if subject.suite:
        write_json(out_dir / SUITE, _plain(subject.suite))
    failures = {file: _picture(out_dir, file, "") for file in films}
    pictures = Pictures(samples, failures, _curves(subject.export_dir))
    write_text(out_dir / REPORT, render(proof, model, pictures))
    write_json(out_dir / PROOF, proof.model_dump(mode="json", by_alias=True))


def _curves(export_dir: Path) -> list[Picture]:
    """Those that stand beside the models; a model that was not trained here has none."""
    return [
        _picture(export_dir, file, f"learning curves of the {model}")
        for model, file in LEARNING_CURVES.items()
        if (export_dir / file).is_file()
    ]


def _picture(folder: Path, file: str, caption: str) -> Picture:
    path = folder / file
    return Picture(caption, path.suffix, path.read_bytes())
