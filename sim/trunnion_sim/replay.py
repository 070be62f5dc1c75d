"""An episode of a proof, played again: `python -m trunnion_sim.replay runs/NAME --scenario nominal --seed 100007`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trunnion_contract.errors import BadInput, ExitCode, TrunnionError
from trunnion_contract.manifest import PRECISIONS, Precision
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_edge.sorting import Sorter
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.episode import EpisodeResult
from trunnion_sim.examiner import Examiner, Job, Subject
from trunnion_sim.gates import POLICY_ALONE
from trunnion_sim.prove import SUITE
from trunnion_sim.scenarios import Suite

Say = Callable[[str], None]


def replay(
    run_dir: Path,
    scenario: str,
    seed: int,
    say: Say,
    film_dir: Path | None = None,
    precision: Precision = "fp32",
) -> EpisodeResult:
    """Play an episode of a run's proof again, telling what the executive decides.

    Args:
        run_dir: the folder of a run, with its `usecase.json`, `export` and `prove`.
        film_dir: where to put a film of the episode.
        precision: of the detector.

    Raises:
        BadInput: the run is not there, its suite has no such scenario, or its detector is not of that precision.
    """
    usecase = read_json(UseCase, run_dir / "usecase.json")
    suite = read_json(Suite, run_dir / "prove" / SUITE) if usecase.prove.suite else None
    subject = Subject(
        run_dir / "export", None, film_dir or run_dir, usecase.cell, suite, usecase.models.policy
    )
    _check_scenario(scenario, suite)
    job = Job("policy" if scenario == POLICY_ALONE else "episode", scenario, seed, precision)
    with Examiner(subject, _narrator(say)) as examiner:
        result = EpisodeResult.model_validate(examiner.do(job))
        if film_dir and job.kind == "episode":
            say(f"film: {film_dir / examiner.do(replace(job, kind='film'))['file']}")
    return result


def _check_scenario(name: str, suite: Suite | None) -> None:
    known = [*(scenario.name for scenario in (suite.scenarios if suite else ())), POLICY_ALONE]
    if name not in known:
        raise BadInput(
            where="--scenario",
            got=f"'{name}'",
            wanted=f"one of {', '.join(known)}",
            next_step="correct the name",
        )


def _narrator(say: Say) -> Callable[[float, SimulatedCell, Sorter], None]:
    told = ""

    def watch(now_s: float, cell: SimulatedCell, sorter: Sorter) -> None:
        nonlocal told
        if sorter.message != told:
            told = sorter.message
            say(f"{now_s:6.2f} s  {sorter.phase:8}  {told}")

    return watch


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trunnion_sim.replay", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="folder of the run, such as runs/sorting_cell")
    parser.add_argument("--scenario", required=True, help=f"a scenario of the suite, or {POLICY_ALONE}")
    parser.add_argument("--seed", required=True, type=int, help="seed of the episode")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="of the detector")
    parser.add_argument("--film", type=Path, metavar="DIR", help="also film it into this folder")
    return parser.parse_args()


def main() -> int:
    """The command."""
    arguments = _arguments()
    try:
        result = replay(
            arguments.run_dir,
            arguments.scenario,
            arguments.seed,
            print,
            arguments.film,
            arguments.precision,
        )
    except TrunnionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{'success' if result.success else 'failed: ' + result.reason} after {result.time_s:.2f} s")
    print(f"trajectory {result.trajectory_sha256}")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
