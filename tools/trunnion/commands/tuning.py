"""The command that searches the settings of a use case."""

from __future__ import annotations

from typing import Annotated

import typer

from trunnion.commands.options import RUNS, Runs, UseCaseFile, Values

COMMANDS = ("tune",)


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(tune)


def tune(
    usecase: UseCaseFile,
    values: Values = [],  # noqa: B006 - typer copies it
    runs: Runs = RUNS,
    trials: Annotated[
        int | None, typer.Option(min=1, help="how many to try, instead of those of the use case")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.001, help="of searching, instead of those of the use case")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="put the trials that are there aside, and begin anew")
    ] = False,
) -> int:
    """Search the settings that the use case leaves open, by its section `tuning`.

    A search that was stopped goes on where it was; more trials go on from there, too. Exit code 1 where no trial keeps
    the limits of `tuning.choose`.
    """
    from trunnion.commands.flow import load
    from trunnion.console import open_console
    from trunnion.pipeline import Run
    from trunnion.preflight import check_data
    from trunnion.tuning.tuning import Asked
    from trunnion.tuning.tuning import tune as search

    loaded = load(usecase, "train", values)
    check_data(Run(loaded, runs / loaded.name))
    return search(open_console(), loaded, str(usecase), runs, Asked(trials, hours, fresh))
