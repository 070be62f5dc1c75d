"""`trunnion bench`: figures that can be compared between machines, because each stands against its own floor."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from trunnion.bench.measure import Row
from trunnion.up import newest_bundle
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import BadInput, ExitCode
from trunnion_contract.files import write_json

PARTS = {name: f"trunnion.bench.{name}" for name in ("data", "edge", "node", "sim", "bridge", "cluster")}


def run_bench(
    console: Console, parts: Sequence[str], json_file: Path | None, bundle_file: Path | None, runs: Path
) -> ExitCode:
    """Measure `parts` (all of them when empty) on the models of a bundle."""
    for part in parts:
        if part not in PARTS:
            wanted = f"one of {', '.join(PARTS)}"
            raise BadInput(
                where="bench", got=part, wanted=wanted, next_step="name one of those, or none for all"
            )
    bundle = open_bundle(bundle_file or newest_bundle(runs))
    rows = [row for part in parts or PARTS for row in _measured(console, part, bundle)]
    _print(console, rows)
    if json_file:
        write_json(json_file, [row.to_json() for row in rows])
    return ExitCode.OK


def _measured(console: Console, part: str, bundle: Bundle) -> list[Row]:
    with console.status(f"measuring {part}"):
        rows: list[Row] = import_module(PARTS[part]).rows(bundle)
    return rows


def _print(console: Console, rows: Sequence[Row]) -> None:
    table = Table("figure", "median", "unit", "spread", "n", "against")
    for row in rows:
        table.add_row(row.name, f"{row.value:g}", row.unit, f"{row.spread:g}", str(row.n), row.against)
    console.print(table)
