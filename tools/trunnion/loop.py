"""Software in the loop: scenarios of a proof, played through the ROS 2 nodes in simulated time."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from trunnion.checkout import cell_environment
from trunnion.pipeline import Run
from trunnion.stages import bundle_file
from trunnion.up import only_cell_of
from trunnion.watchers import watching
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput, Broken, ExitCode
from trunnion_contract.files import digest_json, write_json, write_text
from trunnion_contract.loop import LoopProof, LoopScenario
from trunnion_contract.progress import Progress
from trunnion_contract.proof import Rate, wilson
from trunnion_contract.strict import read_json
from trunnion_sim.journal import Journal, recorded
from trunnion_sim.paired import mcnemar
from trunnion_sim.prove import JOURNAL as PROVEN
from trunnion_sim.prove import SUITE
from trunnion_sim.report.loop import render
from trunnion_sim.scenarios import Scenario, Suite

LOOP, REPORT, JOURNAL = "loop.json", "loop.html", "episodes.jsonl"
_READY_WITHIN_S = 60.0


@dataclass(frozen=True)
class Plan:
    """What is played: the first `episodes` seeds of these scenarios, `speed` times as fast as real time."""

    scenarios: tuple[str, ...]
    episodes: int
    speed: float


def play_in_ros(console: Console, run: Run, plan: Plan) -> ExitCode:
    """Play them, and write `loop.json` and `loop.html`; a call that was stopped goes on where it was.

    Raises:
        BadInput: the run was not packed, or has no such scenario.
        Broken: the nodes do not start, or one of them died.
    """
    bundle = open_bundle(_packed(run))
    scenarios = [_scenario(run, name, plan.episodes) for name in plan.scenarios]
    out_dir = run.folder / "loop"
    out_dir.mkdir(parents=True, exist_ok=True)
    inputs = digest_json(
        [bundle.digest, [scenario.model_dump(mode="json") for scenario in scenarios], plan.speed]
    )
    with Journal(out_dir / JOURNAL, inputs) as journal, watching(console) as progress:
        _play(bundle.path, plan.speed, scenarios, journal, out_dir / "logs", progress)
        played = dict(journal.results)
    proof = LoopProof(
        name=bundle.manifest.name,
        version=bundle.manifest.version,
        bundle_sha256=bundle.digest,
        speed=plan.speed,
        scenarios=tuple(_compared(scenario, _proven(run), played) for scenario in scenarios),
    )
    write_text(out_dir / REPORT, render(proof))
    write_json(out_dir / LOOP, proof.model_dump(mode="json", by_alias=True))
    _print(console, proof, out_dir / REPORT)
    return ExitCode.OK if proof.passed else ExitCode.GATES_FAILED


def _packed(run: Run) -> Path:
    path = bundle_file(run)
    if not path.is_file():
        raise BadInput(
            where=str(path),
            got="no such file",
            wanted="the bundle of a run that passed its gates",
            next_step=f"trunnion run the use case {run.usecase.name} first",
        )
    return path


def _scenario(run: Run, name: str, episodes: int) -> Scenario:
    """The scenario as it was proven, with so many episodes at most."""
    path = run.stage("prove") / SUITE
    suite = read_json(Suite, path)
    if name not in {scenario.name for scenario in suite.scenarios}:
        raise BadInput(
            where=f"{path}: scenarios",
            got=f"no '{name}'",
            wanted=f"one of {', '.join(scenario.name for scenario in suite.scenarios)}",
            next_step="name one of those with --scenario",
        )
    scenario, proven = suite.scenario(name), _proven(run)
    # A proof may have ended early, where its verdict was clear; episodes are played in the order of their seeds.
    played = sum(f"episode {name} {seed}" in proven for seed in scenario.seeds)
    return scenario.model_copy(update={"episodes": min(episodes, played)})


def _play(
    bundle: Path,
    speed: float,
    scenarios: Sequence[Scenario],
    journal: Journal,
    log_dir: Path,
    progress: Progress,
) -> None:
    jobs = [(scenario, seed) for scenario in scenarios for seed in scenario.seeds]
    todo = [job for job in jobs if _key(*job) not in journal.results]
    if not todo:
        return
    with _cell(bundle, speed, log_dir, progress) as ask:
        progress.start("playing through the nodes", len(jobs))
        progress.advance(len(jobs) - len(todo))
        for scenario, seed in todo:
            journal.add(
                _key(scenario, seed), ask({"scenario": scenario.model_dump(mode="json"), "seed": seed})
            )
            progress.advance(1, scenario.name.replace("_", " "))
        progress.done()


def _key(scenario: Scenario, seed: int) -> str:
    return f"{scenario.name} {seed}"


@contextmanager
def _cell(bundle: Path, speed: float, log_dir: Path, progress: Progress) -> Iterator[Any]:
    """The running nodes; gives a function that has them play one episode."""
    environment = cell_environment()
    from trunnion_bringup.processes import Cell
    from trunnion_bringup.table import CellSettings, proving_nodes

    nodes = proving_nodes(CellSettings(bundle=str(bundle.resolve()), data_dir=str(log_dir)), speed)
    command = [sys.executable, "-m", "trunnion.ros_episodes"]
    with only_cell_of(environment), Cell(nodes, environment, log_dir) as cell:
        cell.start()
        cell.wait_ready(_READY_WITHIN_S, progress)
        with (
            (log_dir / "prover.log").open("wb") as log,
            subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            ) as prover,
        ):
            try:
                yield lambda job: _answer(prover, job, cell, log_dir)
            finally:
                prover.kill()


def _answer(prover: subprocess.Popen[str], job: dict[str, Any], cell: Any, log_dir: Path) -> dict[str, Any]:
    assert prover.stdin is not None
    assert prover.stdout is not None
    prover.stdin.write(json.dumps(job) + "\n")
    prover.stdin.flush()
    line = prover.stdout.readline()
    deaths = cell.poll()
    if not line or deaths:
        raise Broken(
            where="the episode of seed {seed}".format(**job),
            got=", ".join(map(str, deaths)) or "no answer",
            wanted="an episode played to its end",
            next_step=f"look at the logs in {log_dir}; the same command goes on from here",
        )
    answer: dict[str, Any] = json.loads(line)
    return answer


def _proven(run: Run) -> dict[str, Any]:
    """What the proof noted of each episode."""
    return recorded(run.stage("prove") / PROVEN)


def _compared(scenario: Scenario, proven: dict[str, Any], played: dict[str, Any]) -> LoopScenario:
    seeds = list(scenario.seeds)
    before = [proven[f"episode {scenario.name} {seed}"] for seed in seeds]
    after = [played[_key(scenario, seed)] for seed in seeds]
    pairs = [(seed, a["success"], b["success"]) for seed, a, b in zip(seeds, before, after, strict=True)]
    failed_in_ros = tuple(seed for seed, a, b in pairs if a and not b)
    failed_in_process = tuple(seed for seed, a, b in pairs if b and not a)
    return LoopScenario(
        name=scenario.name,
        in_process=_rate(before),
        in_ros=_rate(after),
        failed_in_ros=failed_in_ros,
        failed_in_process=failed_in_process,
        p_value=mcnemar(len(failed_in_ros), len(failed_in_process))[0],
        median_time_s=(_median_time_s(before), _median_time_s(after)),
    )


def _rate(results: Sequence[dict[str, Any]]) -> Rate:
    return wilson(sum(result["success"] for result in results), len(results))


def _median_time_s(results: Sequence[dict[str, Any]]) -> float | None:
    times_s = [result["time_s"] for result in results if result["success"]]
    return round(statistics.median(times_s), 3) if times_s else None


def _print(console: Console, proof: LoopProof, report: Path) -> None:
    table = Table("scenario", "in one process", "through ROS 2", "p", "verdict", title_justify="left")
    for scenario in proof.scenarios:
        verdict = "[green]within noise[/]" if scenario.agrees else "[bold red]DIFFERS[/]"
        rates = (f"{rate.successes} of {rate.trials}" for rate in (scenario.in_process, scenario.in_ros))
        table.add_row(scenario.name, *rates, f"{scenario.p_value:.3f}", verdict)
    console.print(table)
    console.print(f"report  {report.resolve()}", highlight=False, soft_wrap=True)
