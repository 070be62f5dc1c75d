"""The end of a run: the gates, where everything is, and the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from trunnion.pipeline import Run, Stage, run_stages, stands
from trunnion.proving import AS_DECLARED, Proving
from trunnion.stages import STAGES, bundle_file, with_engine
from trunnion.tables import print_comparison, print_dataset, print_gates, print_places
from trunnion.tracking.tracker import tracking
from trunnion.watchers import watching
from trunnion_contract.bundle import PROOF, REPORT
from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import ExitCode, GatesFailed
from trunnion_contract.proof import Proof
from trunnion_contract.strict import read_json


def run_to_verdict(
    console: Console, run: Run, until: str, engine: bool = False, proving: Proving = AS_DECLARED
) -> ExitCode:
    """Run the stages up to `until`, and print what came of it."""
    run_shown(console, run, until, engine, proving)
    return print_verdict(console, run, until, proving.stage)


def run_shown(
    console: Console, run: Run, until: str, engine: bool = False, proving: Proving = AS_DECLARED
) -> None:
    """Run the stages up to `until` before a person's eyes; a proof that failed ends it without a bundle."""
    stages = proving.among(with_engine(STAGES) if engine else STAGES)
    try:
        with tracking(console, run.folder.parent) as tracker, watching(console) as watcher:
            run_stages(run, stages, proving.stage if until == "prove" else until, watcher, tracker)
    except GatesFailed:
        if not _packing_was_refused(run, stages):
            raise


def _packing_was_refused(run: Run, stages: Sequence[Stage]) -> bool:
    """Whether all that packing reads is there and the proof failed, which the table of gates says better."""
    before = (stage for stage in stages if stage.name != "pack" and stage.applies(run.usecase))
    return all(stands(run, stage) for stage in before) and not read_proof(run).passed


def read_proof(run: Run, stage: str = "prove") -> Proof:
    """The proof of a run that got that far."""
    return read_json(Proof, run.stage(stage) / PROOF)


def print_verdict(console: Console, run: Run, until: str, prove: str = "prove") -> ExitCode:
    """Print the gates of a run that was proven in the stage `prove`, and the places of what it made."""
    if until not in ("prove", "pack"):
        if until == "data" and run.usecase.data:
            print_dataset(console, read_json(Dataset, run.stage(until) / "dataset.json"))
        print_places(console, {until: run.stage(until)})
        return ExitCode.OK
    proof = read_proof(run, prove)
    print_gates(console, proof.gates)
    if proof.comparison:
        print_comparison(console, proof.comparison)
    print_places(console, places(run, until if proof.passed else "prove", prove))
    if not proof.passed:
        console.print("[bold red]gates failed[/]: the report shows where; no bundle was packed")
    return ExitCode.OK if proof.passed else ExitCode.GATES_FAILED


def places(run: Run, until: str, prove: str = "prove") -> dict[str, Path | str]:
    """Name and place of what a person looks at next."""
    found: dict[str, Path | str] = {"report": (run.stage(prove) / REPORT).resolve()}
    if until == "pack":
        found["bundle"] = bundle_file(run).resolve()
    return found
