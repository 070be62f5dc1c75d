"""The command about engines: build those of a bundle before a node needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

COMMANDS = ("engine",)


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    engine = typer.Typer(no_args_is_help=True)
    engine.command("build")(build)
    app.add_typer(engine, name="engine", help="Build the engines of a bundle for this device.")


def build(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="the bundle, *.trunnion")],
    workspace_mib: Annotated[
        int, typer.Option(min=1, max=1 << 20, help="the GPU's memory that the builder may use for one layer")
    ] = 1024,
    cache_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="where engines are kept; the user's cache when left out"),
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "fp16", "int8"],
        typer.Option(
            help="the network to build; auto is what a node takes by itself: fp16 where there is one"
        ),
    ] = "auto",
) -> int:
    """Build with TensorRT what a bundle's nodes will run here.

    Takes from a minute to an hour, once: what is built is kept for this very GPU, driver and TensorRT.
    """
    from trunnion.console import open_console
    from trunnion.engines import build_engines

    return build_engines(open_console(), bundle, cache_dir, workspace_mib, precision)
