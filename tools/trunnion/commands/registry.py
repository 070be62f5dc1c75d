"""The commands about what was run and what it made: MLflow's runs, versions of models, who may become champion."""

from __future__ import annotations

import typer

from trunnion.commands.options import RUNS, Runs

COMMANDS = ("runs",)


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    runs = typer.Typer(no_args_is_help=True)
    # With one command alone, typer would make it the group itself.
    runs.callback()(lambda: None)
    runs.command("sync")(sync)
    app.add_typer(runs, name="runs", help="The runs of stages, as MLflow keeps them.")


def sync(runs: Runs = RUNS) -> int:
    """Send what was kept while MLflow's server was away."""
    from trunnion.console import open_console
    from trunnion.tracking.syncing import sync_runs

    return sync_runs(open_console(), runs)
