"""The commands of the running cell: start it, order from it, look at it."""

from __future__ import annotations

from typing import Annotated

import typer

from trunnion.commands.options import RUNS, BundleFile, Port, Runs

Url = Annotated[
    str, typer.Option("--url", envvar="TRUNNION_URL", metavar="URL", help="where the bridge listens")
]
BRIDGE = "http://127.0.0.1:8080"
COMMANDS = ("up", "order", "status")


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(up)
    app.command()(order)
    app.command()(status)


def up(
    bundle: BundleFile = None,
    host: Annotated[str, typer.Option(help="address of the bridge")] = "127.0.0.1",
    port: Port = 8080,
    robot: Annotated[str, typer.Option(help="simulated, or real where a driver runs")] = "simulated",
    seed: Annotated[int, typer.Option(min=0, help="how the simulated parts lie")] = 0,
    oidc_issuer: Annotated[
        str, typer.Option(metavar="URL", help="the OpenID provider of callers, needed for any other --host")
    ] = "",
    oidc_audience: Annotated[str, typer.Option(metavar="AUD", help="what its tokens name in aud")] = "",
    runs: Runs = RUNS,
) -> int:
    """Start the cell and its live page; Ctrl-C stops it."""
    from trunnion.console import open_console
    from trunnion.up import CellPlan, newest_bundle, stay_up

    plan = CellPlan(
        bundle or newest_bundle(runs), runs / ".cell", host, port, robot, seed, oidc_issuer, oidc_audience
    )
    return stay_up(plan, open_console())


def order(
    parts: Annotated[list[str], typer.Argument(metavar="PART=COUNT...", help="such as gear=2 bolt=1")],
    bin_name: Annotated[str, typer.Option("--bin", help="the bin that they go to")],
    wait: Annotated[bool, typer.Option("--wait", help="follow the order to its end")] = False,
    url: Url = BRIDGE,
) -> int:
    """Order parts into a bin.

    With --wait, follow the order to its end; exit code 1 when it fails.
    """
    from trunnion.console import open_console
    from trunnion.orders import order_lines, place_and_follow

    return place_and_follow(open_console(), url, order_lines(parts), bin_name, wait)


def status(url: Url = BRIDGE) -> int:
    """Show how the running cell is."""
    from trunnion.console import open_console
    from trunnion.orders import print_status

    return print_status(open_console(), url)
