"""The commands about what was run and what it made: MLflow's runs, versions, approvals, who may become champion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from trunnion.commands.options import RUNS, BundleFile, Runs, UseCaseFile, Values

if TYPE_CHECKING:
    from trunnion_contract.usecase import UseCase

COMMANDS = ("report", "feedback", "compare", "approve", "promote", "runs")
_KEY = Path("~/.config/trunnion/approver.pem")
KeyFile = Annotated[
    Path, typer.Option("--key", envvar="TRUNNION_KEY", metavar="FILE", help="the private key of the person")
]


class ApproveGroup(TyperGroup):
    """`approve USECASE` approves; `approve keygen` makes the key that it takes."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = args[0] in self.commands
        return super().resolve_command(ctx, args if known else ["usecase", *args])


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(report)
    app.command()(feedback)
    app.command()(compare)
    approving = typer.Typer(cls=ApproveGroup, no_args_is_help=True)
    approving.command("usecase", help="Say yes or no; the word itself can be left out.")(approve)
    approving.command("keygen")(keygen)
    app.add_typer(approving, name="approve", help="Approve a bundle at a stage of the plan, signed.")
    app.command()(promote)
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


def compare(
    usecase: UseCaseFile,
    first: Annotated[
        str, typer.Argument(metavar="[A]", help="a version's number or alias, or a bundle")
    ] = "champion",
    second: Annotated[str, typer.Argument(metavar="[B]", help="the same, to compare with A")] = "candidate",
    values: Values = [],  # noqa: B006 - typer copies it
    runs: Runs = RUNS,
) -> int:
    """Compare two versions: every class and scenario, with intervals."""
    from trunnion.console import open_console
    from trunnion.registry import comparing

    return comparing.compare(open_console(), _load(usecase, values).name, runs, first, second)


def promote(usecase: UseCaseFile, values: Values = [], runs: Runs = RUNS) -> int:  # noqa: B006
    """Make the candidate champion.

    It has to be proven, approved at every stage of the plan, and to beat the champion in the same suite.
    """
    from trunnion.console import open_console
    from trunnion.registry import promoting

    return promoting.promote(open_console(), _load(usecase, values), usecase, runs)


def approve(
    usecase: UseCaseFile,
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="as what the person speaks, such as sme")
    ],
    stage: Annotated[str, typer.Option("--stage", metavar="STAGE", help="poc or mvp")],
    refuse: Annotated[bool, typer.Option("--refuse", help="say no")] = False,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="why")] = "",
    key: KeyFile = _KEY,
    bundle: BundleFile = None,
    values: Values = [],  # noqa: B006
    runs: Runs = RUNS,
) -> int:
    """Say yes or no to a bundle: that of the last run, or another.

    The verdict is signed, and added to the ledger beside the use case.
    """
    from trunnion.approvals import approving
    from trunnion.console import open_console
    from trunnion.pipeline import Run
    from trunnion.stages import bundle_file

    loaded = _load(usecase, values)
    approval = approving.Approval(stage, role, refuse, comment)
    looked_at = bundle or bundle_file(Run(loaded, runs / loaded.name))
    return approving.approve(open_console(), loaded, usecase, approval, looked_at, key.expanduser())


def report(
    usecase: UseCaseFile,
    stage: Annotated[str, typer.Option("--stage", metavar="STAGE", help="poc or mvp")],
    pdf: Annotated[
        bool, typer.Option("--pdf", help="print it as PDF too, with this machine's Chromium")
    ] = False,
    values: Values = [],  # noqa: B006
    runs: Runs = RUNS,
) -> int:
    """Write the report of a stage from the evidence: criteria, figures, approvals, what failed.

    Exit code 1 where the stage is not passed.
    """
    from trunnion.console import open_console
    from trunnion.pipeline import Run
    from trunnion.reporting import report as reporting

    loaded = _load(usecase, values)
    return reporting.report(open_console(), loaded, usecase, Run(loaded, runs / loaded.name), stage, pdf)


def feedback(
    usecase: UseCaseFile,
    verdicts: Annotated[
        Path, typer.Argument(metavar="FILE", help="*.csv or *.json: image, verdict, label, box, by, comment")
    ],
    bundle: BundleFile = None,
    values: Values = [],  # noqa: B006
    runs: Runs = RUNS,
) -> int:
    """Take what people say of single images into the next dataset.

    Verdicts are right, wrong_box, missed and not_sure, on what the bundle's detector finds.
    """
    from trunnion.console import open_console
    from trunnion.feedback import take_feedback
    from trunnion.pipeline import Run
    from trunnion.stages import bundle_file

    loaded = _load(usecase, values)
    looked_at = bundle or bundle_file(Run(loaded, runs / loaded.name))
    return take_feedback(open_console(), loaded, usecase, verdicts, looked_at)


def keygen(key: KeyFile = _KEY) -> int:
    """Make the key of a person who approves, and print its public half for the plan."""
    from trunnion.approvals import approving
    from trunnion.console import open_console

    return approving.keygen(open_console(), key.expanduser())


def _load(usecase_file: Path, values: list[str]) -> UseCase:
    from trunnion.assignments import assignments
    from trunnion_contract.usecase import load_usecase

    return load_usecase(usecase_file, assignments(values, "--set"))
