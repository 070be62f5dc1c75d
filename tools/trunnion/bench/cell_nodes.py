"""One node of the cell, in a process of its own, for as long as it is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from trunnion.checkout import cell_environment
from trunnion_contract.progress import Silent

if TYPE_CHECKING:
    from trunnion_bringup.processes import Cell

_READY_WITHIN_S = 60.0


@contextmanager
def running_node(name: str, bundle: Path, **parameters: int | str) -> Iterator[Cell]:
    """The node of that name in the cell's table, active, on this bundle."""
    environment = cell_environment()
    from trunnion_bringup.processes import Cell
    from trunnion_bringup.table import CellSettings, cell_nodes

    with TemporaryDirectory() as folder:
        settings = CellSettings(bundle=str(bundle.resolve()), data_dir=folder)
        node = [
            replace(entry, parameters={**entry.parameters, **parameters})
            for entry in cell_nodes(settings)
            if entry.name == name
        ]
        with Cell(node, environment, Path(folder) / "logs") as cell:
            cell.start()
            cell.wait_ready(_READY_WITHIN_S, Silent())
            yield cell
