"""The commands about this machine: what it has, how fast it is, and the demonstration of everything on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trunnion.commands.options import RUNS, SORTING_CELL, BundleFile, Port, Runs

COMMANDS = ("demo", "doctor", "bench")


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(doctor)
    app.command()(bench)
    app.command()(demo)


def doctor() -> int:
    """Say what this machine has and lacks, and what mends it."""
    from trunnion.console import open_console
    from trunnion.doctor import print_facts

    return print_facts(open_console())


def bench(
    parts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART]...", help="data, edge, node, sim, bridge, cluster; all when left out"),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the rows there")
    ] = None,
    bundle: BundleFile = None,
    runs: Runs = RUNS,
) -> int:
    """Measure, each figure against its own floor.

    Both are measured in the same process run, taking turns; what is printed are medians.
    """
    from trunnion.bench import run_bench
    from trunnion.console import open_console

    return run_bench(open_console(), parts or [], json_file, bundle, runs)


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="leave the cell running until Ctrl-C")] = False,
    port: Port = 8080,
    usecase: Annotated[Path, typer.Option(help="the use case to demonstrate")] = SORTING_CELL,
    runs: Runs = RUNS,
) -> int:
    """From the use case to sorted parts, in one go."""
    from trunnion.console import open_console
    from trunnion.demo import run_demo

    return run_demo(open_console(), usecase, runs, port, keep)
