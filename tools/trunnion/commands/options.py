"""Options that several commands share, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RUNS = Path("runs")
SORTING_CELL = Path("training/usecases/sorting_cell.yaml")

UseCaseFile = Annotated[Path, typer.Argument(metavar="USECASE", help="the use-case file, *.yaml")]
Values = Annotated[
    list[str], typer.Option("--set", metavar="NAME=VALUE", help="a value for ${NAME}; paths start here")
]
Runs = Annotated[Path, typer.Option(metavar="DIR", help="the folder that holds the runs")]
Engine = Annotated[
    bool, typer.Option("--engine", help="also build TensorRT's engine here, and attach it to the bundle")
]
Against = Annotated[
    Path | None,
    typer.Option(
        metavar="CHAMPION",
        help="also compare, on the same seeds, with a bundle or the folder of an export or run",
    ),
]
Sequential = Annotated[
    bool, typer.Option("--sequential", help="end scenarios early where the verdict on their gate is clear")
]
BundleFile = Annotated[
    Path | None, typer.Option("--bundle", help="a bundle; the newest packed one when left out")
]
Port = Annotated[int, typer.Option(min=1, max=65535, help="port of the bridge")]
