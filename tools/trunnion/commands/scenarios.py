"""The command that looks for what a proof does not try yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

COMMANDS = ("stress",)


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(stress)


def stress(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="the folder of a run, such as runs/sorting_cell")
    ],
    space: Annotated[
        Path | None, typer.Option(metavar="FILE", help="where to search; the shipped space when left out")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="scenarios to try, instead of those of the space")
    ] = None,
    suite: Annotated[
        Path | None, typer.Option(metavar="FILE", help="the new suite; a file in RUN/stress when left out")
    ] = None,
) -> int:
    """Search the scenario in which an exported model fails most, and add it as a suite.

    A search that was stopped goes on where it was; more trials go on from there, too.
    """
    from trunnion.console import open_console
    from trunnion.watchers import watching
    from trunnion_sim.stress import plan_of, verdict
    from trunnion_sim.stress import stress as search

    with watching(open_console()) as progress:
        found = search(plan_of(run, space, trials, suite), progress)
    print(verdict(*found))
    return 0
