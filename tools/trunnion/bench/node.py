"""The ROS 2 nodes against the network alone: real processes, real middleware."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from trunnion.bench.measure import Row, median_row, ratio_row
from trunnion.checkout import cell_environment
from trunnion_contract.bundle import Bundle
from trunnion_contract.progress import Silent

if TYPE_CHECKING:
    from trunnion_bringup.processes import Cell

_FRAMES = 150
_RATE_HZ = 10
_STARTS = 3
_READY_WITHIN_S = 60.0


def rows(bundle: Bundle) -> list[Row]:
    """`node.*`, for the detector of the bundle in a node of its own."""
    return [*_through_node(bundle), _start(bundle)] if bundle.model.detector else []


def _through_node(bundle: Bundle) -> list[Row]:
    assert bundle.model.detector is not None
    size = bundle.model.detector.spec.image_size_px
    with _detector_node(bundle, cell_environment()):
        probe = [sys.executable, "-m", "trunnion.bench.frame_probe"]
        command = [*probe, str(bundle.path), str(_FRAMES), str(_RATE_HZ)]
        answer = subprocess.run(command, env=cell_environment(), check=True, capture_output=True, text=True)
    seen = json.loads(answer.stdout.splitlines()[-1])
    both = [(node, bare) for node, bare in zip(seen["through_node_s"], seen["bare_s"], strict=True) if node]
    timed = [[node for node, _ in both], [bare for _, bare in both]]
    lost = _FRAMES - len(both)
    return [
        ratio_row(
            f"node.e2e.{size}.p50_ratio", timed, "session.run, taking turns with frames through the node"
        ),
        Row("node.frames_lost", lost, "frames", f"{_FRAMES} frames at {_RATE_HZ} Hz", _FRAMES, 0.0),
    ]


def _start(bundle: Bundle) -> Row:
    seconds = []
    for _ in range(_STARTS):
        began_s = time.perf_counter()
        with _detector_node(bundle, cell_environment()):
            seconds.append(time.perf_counter() - began_s)
    return median_row("node.start_s", seconds, "s", "from the start of the process to the active detector")


@contextmanager
def _detector_node(bundle: Bundle, environment: dict[str, str]) -> Iterator[Cell]:
    from trunnion_bringup.processes import Cell
    from trunnion_bringup.table import CellSettings, cell_nodes

    with TemporaryDirectory() as folder:
        settings = CellSettings(bundle=str(bundle.path.resolve()), data_dir=folder)
        detector = [entry for entry in cell_nodes(settings) if entry.name == "detector"]
        with Cell(detector, environment, Path(folder) / "logs") as cell:
            cell.start()
            cell.wait_ready(_READY_WITHIN_S, Silent())
            yield cell
