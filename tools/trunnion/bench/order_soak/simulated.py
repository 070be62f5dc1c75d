"""The robot of the sorting cell, in simulation: the very processes of `trunnion up`, each of which can be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trunnion.bench.order_soak.robots import Robot
from trunnion_contract.progress import Silent

if TYPE_CHECKING:
    from trunnion_bringup.processes import Cell

_READY_WITHIN_S = 120.0
_REFILL_WITHIN_S = 180.0
_POLL_S = 0.05
_TRAY_ORDERS = 6  # of the nine parts that lie in it; one that was dropped is missed
_BEGUN = re.compile(r"order ([0-9a-f-]{36}): \d+ parts into bin ")


class CellNode:
    """One process of the cell; `kind` is the name of its node."""

    def __init__(self, cell: Cell, name: str) -> None:
        self.kind = name
        self._cell = cell

    def kill(self) -> None:
        """End it as a power cut does, and start it anew."""
        os.kill(self._cell.process_ids[self.kind], signal.SIGKILL)
        while self.kind in self._cell.process_ids:
            self._cell.poll()
            time.sleep(_POLL_S)
        _put_by(self._cell.log_file(self.kind))
        self._cell.start()


@contextmanager
def simulated(bundle: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[Robot]:
    """Simulated arm and camera, detector, policy and sorter; the bridges are the soak's."""
    from trunnion_bringup.processes import Cell
    from trunnion_bringup.table import CellSettings, cell_nodes

    logs = folder / "cell"
    entries = cell_nodes(CellSettings(bundle=str(bundle.resolve()), data_dir=str(folder)))[:-1]
    names = tuple(entry.name for entry in entries)
    with Cell(entries, environment, logs) as cell:
        for name in names:
            _put_by(cell.log_file(name))
        cell.start()
        cell.wait_ready(_READY_WITHIN_S, Silent())
        yield Robot(
            nodes=names,
            victims=[CellNode(cell, name) for name in names],
            begun=lambda: begun_in(logs),
            kill_every_s=(5.0, 15.0),
            tray_orders=_TRAY_ORDERS,
            refill=lambda: _refill(environment),
        )


def begun_in(logs: Path) -> list[str]:
    """The ids of the orders that any of the sorters said that it begins."""
    return [
        order_id for log in sorted(logs.glob("sorter*.log")) for order_id in _BEGUN.findall(log.read_text())
    ]


def _put_by(log: Path) -> None:
    """Out of the way of the next process, which would begin the file anew."""
    if log.exists():
        log.rename(log.with_suffix(f".{time.time_ns()}.log"))


def _refill(environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "trunnion.bench.order_soak.refill"]
    subprocess.run(command, env=dict(environment), check=True, timeout=_REFILL_WITHIN_S)
