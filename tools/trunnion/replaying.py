"""`trunnion replay`: an episode of a proof again, told, filmed or shown."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from trunnion_contract.bundle import PROOF
from trunnion_contract.errors import BadInput, ExitCode
from trunnion_contract.manifest import PRECISIONS
from trunnion_sim.replay import replay


def run_replay(
    console: Console,
    seed: int,
    run_dir: Path,
    scenario: str | None,
    suite: str | None,
    precision: str,
    film_dir: Path | None,
    window: bool,
) -> ExitCode:
    """Returns 0 when the episode was played, and was the one of the proof if that has it."""
    known = next((name for name in PRECISIONS if name == precision), None)
    if known is None:
        wanted = f"one of {', '.join(PRECISIONS)}"
        raise BadInput(where="--precision", got=precision, wanted=wanted, next_step="name one of those")
    proof_dir = run_dir / (f"prove.{Path(suite).stem}" if suite else "prove")
    played = replay(
        run_dir,
        seed,
        lambda line: console.print(line, highlight=False, soft_wrap=True, markup=False),
        scenario,
        known,
        film_dir,
        window,
        proof_dir,
    )
    result = played.result
    end = "success" if result.success else f"failed: {result.reason}"
    console.print(f"{end} after {result.time_s:.2f} s", highlight=False, markup=False)
    compared = "as in the proof, byte for byte" if played.in_proof else "not in the proof"
    console.print(f"trajectory {result.trajectory_sha256}: {compared}", highlight=False, soft_wrap=True)
    return ExitCode.OK


def newest_proven(runs: Path) -> Path:
    """The run that was proven last.

    Raises:
        BadInput: none was.
    """
    proofs = sorted(runs.glob(f"*/prove/{PROOF}"), key=lambda path: path.stat().st_mtime)
    if not proofs:
        raise BadInput(
            where=str(runs), got="no proof", wanted="a run that was proven", next_step="run trunnion prove"
        )
    return proofs[-1].parents[1]
