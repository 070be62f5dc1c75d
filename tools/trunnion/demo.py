"""`make demo`: the use case becomes a bundle, the cell runs it, an order over REST is sorted while you watch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from trunnion.orders import Bridge, OrderLines, print_end
from trunnion.pipeline import Run
from trunnion.stages import bundle_file
from trunnion.tables import print_gates, print_places
from trunnion.up import CellPlan, check_port, running_cell, watch_until_stopped
from trunnion.verdict import places, print_verdict, read_proof, run_shown
from trunnion_contract.errors import ExitCode
from trunnion_contract.usecase import load_usecase

if TYPE_CHECKING:
    from trunnion_bringup.processes import Cell

LINES = [{"part": "gear", "quantity": 2}, {"part": "bolt", "quantity": 1}]
BIN = "B"
_HOST = "127.0.0.1"


def run_demo(console: Console, usecase: Path, runs: Path, port: int, keep: bool) -> ExitCode:
    """Returns 0 when the gates passed and every ordered part was sorted."""
    check_port(_HOST, port)
    loaded = load_usecase(usecase)
    run = Run(loaded, runs / loaded.name)
    console.rule("from the use case to a proven bundle")
    run_shown(console, run, "pack")
    if not read_proof(run).passed:
        return print_verdict(console, run, "pack")
    console.rule("the cell at work")
    plan = CellPlan(bundle_file(run), run.folder / "cell", _HOST, port)
    with running_cell(plan, console) as cell:
        code = _order(console, plan.url)
        _sum_up(console, run, plan, keep)
        if keep:
            console.print(f"the cell stays up: [bold]{plan.url}[/]  (Ctrl-C stops it)")
            code = stay(cell, console, code)
    return code


def stay(cell: Cell, console: Console, ordered: ExitCode) -> ExitCode:
    """Leave the cell up until Ctrl-C, however the order ended; the first thing that went wrong is the exit code."""
    watched = watch_until_stopped(cell, console)
    return ordered or watched


def _order(console: Console, url: str) -> ExitCode:
    console.print(f"the live page is [bold]{url}[/]")
    console.print("ordering over REST: 2 gears and 1 bolt into bin B")
    with Bridge(url) as bridge:
        order = bridge.place(LINES, BIN)
        return print_end(console, bridge.follow(order["id"], OrderLines(console)))


def _sum_up(console: Console, run: Run, plan: CellPlan, keep: bool) -> None:
    console.rule("what came of it")
    print_gates(console, read_proof(run).gates)
    page = plan.url if keep else f"{plan.url} while the cell runs: make demo KEEP=1 leaves it running"
    print_places(console, {**places(run, "pack"), "live page": page})
