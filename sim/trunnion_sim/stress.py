"""The worst case, searched for: `python -m trunnion_sim.stress runs/NAME`.

Each trial is a scenario that Optuna proposes; the exported models play it as they do in a proof, all trials with the
same seeds. What is looked for is the scenario with the fewest successes and, of those, the one nearest to the nominal
cell. The worst of many small samples looks worse than it is, so that one is played once more with other seeds. It
becomes a suite of its own, to be played again or copied into another one.

A search that is killed goes on where it stood: every episode is in a journal, and a proposal follows from the seed of
the search and what came before alone.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import optuna

from trunnion_contract.bundle import MODEL
from trunnion_contract.errors import BadInput, ExitCode, TrunnionError
from trunnion_contract.files import digest_json, write_text
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.progress import Progress
from trunnion_contract.strict import parse, read_json
from trunnion_contract.usecase import UseCase
from trunnion_contract.workers import available_cores
from trunnion_sim.episode import EpisodeResult, check_rate
from trunnion_sim.examiner import Job, Subject
from trunnion_sim.journal import Journal
from trunnion_sim.scenarios import Scenario
from trunnion_sim.stress_space import SPACES, StressSpace, read_space
from trunnion_sim.workers import Workers
from trunnion_sim.worst_case import Trial, suite_text

JOURNAL = "trials.jsonl"
# So many proposals are drawn at random before the search leans on what it has seen.
RANDOM_TRIALS = 10

Play = Callable[[Scenario], Sequence[EpisodeResult]]


def search(space: StressSpace, play: Play, told: Callable[[Trial], None]) -> Trial:
    """Try scenarios of the space; give back the worst.

    Args:
        play: plays all episodes of a scenario.
        told: hears of each trial.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    distributions, trials = space.distributions(), []
    for number in range(space.trials):
        # One generator for each trial: a proposal does not depend on whether those before were made in this process.
        study.sampler = optuna.samplers.TPESampler(seed=space.seed + number, n_startup_trials=RANDOM_TRIALS)
        proposed = study.ask(distributions)
        scenario = space.scenario(number, proposed.params)
        trials.append(Trial(number, scenario, tuple(play(scenario)), space.severity(scenario)))
        study.tell(proposed, trials[-1].score)
        told(trials[-1])
    return min(trials, key=lambda trial: trial.score)


@dataclass(frozen=True)
class Plan:
    """What to search with: a run's export, a space, where the journal goes and which file the finding becomes."""

    run_dir: Path
    space: StressSpace
    out_dir: Path
    suite_file: Path | None = None
    workers: int | None = None


def stress(plan: Plan, progress: Progress) -> tuple[Trial, Path | None]:
    """Search the worst case of a run's export and add it as a suite file; the same call goes on after a kill.

    Returns:
        The worst trial, and the file; None where every episode of every trial succeeded.

    Raises:
        BadInput: the run is not whole, its policy is of another rate than the simulation's, or the file stands already.
        Broken: a worker died.
    """
    _refuse_to_overwrite(plan.suite_file)
    usecase = read_json(UseCase, plan.run_dir / "usecase.json")
    model = read_json(ModelManifest, plan.run_dir / "export" / MODEL)
    _check(plan.run_dir, usecase, model)
    searched = plan.space.model_dump(mode="json", by_alias=True, exclude={"trials"})
    plan.out_dir.mkdir(parents=True, exist_ok=True)
    with (
        Journal(plan.out_dir / JOURNAL, digest_json([model.digest(), usecase.digest(), searched])) as journal,
        Workers(_subject(plan, usecase), _worker_count(plan)) as pool,
    ):
        worst = _worst(plan.space, journal, pool, progress)
    if worst.succeeds:
        return worst, None
    text = suite_text(worst, plan.space, model)
    file = plan.suite_file or _numbered(plan.out_dir, plan.space.name, text)
    write_text(file, text)
    return worst, file


def _subject(plan: Plan, usecase: UseCase) -> Subject:
    return Subject(
        export_dir=plan.run_dir / "export",
        dataset_dir=None,
        out_dir=plan.out_dir,
        cell=usecase.cell,
        suite=None,
        training=usecase.models.policy,
    )


def _worker_count(plan: Plan) -> int:
    return max(1, min(plan.workers or available_cores(), plan.space.episodes))


def _worst(space: StressSpace, journal: Journal, pool: Workers, progress: Progress) -> Trial:
    """The worst of the search; if anything failed in it, it is played with other seeds, too."""
    watched = _Watched(progress)

    def play(scenario: Scenario) -> list[EpisodeResult]:
        return _played(scenario, journal, pool, watched)

    progress.start("searching the worst case", space.trials * space.episodes)
    worst = search(space, play, watched.heard)
    progress.done(worst.summary)
    if worst.succeeds:
        return worst
    progress.start("playing it with other seeds", space.confirm_episodes)
    worst = replace(worst, confirmed=tuple(play(worst.fresh(space.confirm_episodes))))
    progress.done()
    return worst


class _Watched:
    """Progress over episodes, with the worst trial so far at its end."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._worst: Trial | None = None

    def heard(self, trial: Trial) -> None:
        if self._worst is None or trial.score < self._worst.score:
            self._worst = trial

    def advance(self, steps: int) -> None:
        note = f"worst so far {self._worst.summary}" if self._worst else ""
        self._progress.advance(steps, note)


def _played(scenario: Scenario, journal: Journal, pool: Workers, watched: _Watched) -> list[EpisodeResult]:
    """The scenario's episodes, those that the journal does not hold yet by the workers."""
    what = digest_json(scenario.model_dump(mode="json"))[:16]
    jobs = [Job("episode", scenario.name, seed, unlisted=scenario) for seed in scenario.seeds]
    todo = [job for job in jobs if f"{job.key} {what}" not in journal.results]
    watched.advance(len(jobs) - len(todo))
    for job, result in pool.do(todo):
        journal.add(f"{job.key} {what}", result)
        watched.advance(1)
    return [EpisodeResult.model_validate(journal.results[f"{job.key} {what}"]) for job in jobs]


def _check(run_dir: Path, usecase: UseCase, model: ModelManifest) -> None:
    if usecase.cell is None or model.detector is None or model.policy is None:
        raise BadInput(
            where=str(run_dir),
            got="a run without a cell, a detector or a policy",
            wanted="all three: a scenario is played by detector and policy in a cell",
            next_step="name the run of a use case that has them",
        )
    check_rate(model.policy.spec)


def _refuse_to_overwrite(file: Path | None) -> None:
    if file and file.exists():
        raise BadInput(
            where=str(file),
            got="a file that stands already",
            wanted="a new one",
            next_step="name another file, or move this one away",
        )


def _numbered(folder: Path, name: str, text: str) -> Path:
    """The next file of that name that is free, or the one in which the very same was found before."""
    files = (folder / f"{name}_{number:03d}.yaml" for number in itertools.count(1))
    return next(file for file in files if not file.exists() or file.read_text() == text)


def plan_of(
    run_dir: Path,
    space_file: Path | None = None,
    trials: int | None = None,
    suite_file: Path | None = None,
    workers: int | None = None,
) -> Plan:
    """The plan of a command: what is not said is the shipped space, and a folder in the run."""
    space = read_space(space_file or SPACES / "sorting_cell.yaml")
    if trials is not None:
        space = parse(StressSpace, {**space.model_dump(by_alias=True), "trials": trials}, "the search")
    return Plan(run_dir, space, run_dir / "stress", suite_file, workers)


def verdict(worst: Trial, file: Path | None) -> str:
    """What a person should know of a search."""
    if file is None:
        return "nothing failed in any trial"
    return f"worst: {worst.summary}; with other seeds {worst.rate}; now the suite {file}"


class _Lines:
    """Progress as lines, one for every twentieth of the way."""

    def start(self, label: str, total: int) -> None:
        self._total, self._done = total, 0
        print(f"{label}: {total} episodes", flush=True)

    def advance(self, steps: int = 1, note: str = "") -> None:
        before, self._done = self._done, self._done + steps
        if before * 20 // self._total != self._done * 20 // self._total:
            print(f"{self._done} of {self._total}  {note}", flush=True)

    def done(self, note: str = "") -> None:
        pass


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trunnion_sim.stress", description="Search the worst case of an export."
    )
    parser.add_argument("run_dir", type=Path, help="folder of the run, such as runs/sorting_cell")
    parser.add_argument(
        "--space", type=Path, metavar="FILE", help="where to search; the shipped space if left out"
    )
    parser.add_argument("--trials", type=int, help="scenarios to try, instead of those of the space")
    parser.add_argument(
        "--suite", type=Path, metavar="FILE", help="the new suite file; in RUN_DIR/stress if left out"
    )
    parser.add_argument("--workers", type=int, help="processes; one for each core if left out")
    return parser.parse_args()


def main() -> int:
    """The command."""
    given = _arguments()
    try:
        plan = plan_of(given.run_dir, given.space, given.trials, given.suite, given.workers)
        print(verdict(*stress(plan, _Lines())))
    except TrunnionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
