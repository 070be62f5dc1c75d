"""The ROS 2 nodes against the network alone: real processes, real middleware."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trunnion.bench import policy
from trunnion.bench.cell_nodes import running_node
from trunnion.bench.marked_bundles import MARKS_PX, marked
from trunnion.bench.measure import Row, median_row, ratio_row, spread
from trunnion.checkout import cell_environment
from trunnion_contract.bundle import Bundle

_FRAMES = 150
_RATE_HZ = 10
_STARTS = 3
_SWAPS, _ROLLBACKS = 100, 20
_SWAP_RATE_HZ, _PROBATION_FRAMES = 15, 5


def rows(bundle: Bundle) -> list[Row]:
    """`node.*`, for detector and policy of the bundle, each in a node of its own."""
    detector = [*_through_node(bundle), *_swaps(bundle), _start(bundle)] if bundle.model.detector else []
    return [*detector, *policy.rows(bundle)]


def _through_node(bundle: Bundle) -> list[Row]:
    assert bundle.model.detector is not None
    size = bundle.model.detector.spec.image_size_px
    with running_node("detector", bundle.path, precision="fp32"):
        seen = _probe("frame_probe", str(bundle.path), str(_FRAMES), str(_RATE_HZ))
    both = [(node, bare) for node, bare in zip(seen["through_node_s"], seen["bare_s"], strict=True) if node]
    timed = [[node for node, _ in both], [bare for _, bare in both]]
    lost = _FRAMES - len(both)
    return [
        ratio_row(
            f"node.e2e.{size}.p50_ratio", timed, "session.run, taking turns with frames through the node"
        ),
        Row("node.frames_lost", lost, "frames", f"{_FRAMES} frames at {_RATE_HZ} Hz", _FRAMES, 0.0),
        _overload(seen),
    ]


def _overload(seen: dict[str, Any]) -> Row:
    """How old the oldest answers are when twice as many frames come as can be answered."""
    bare_s, answered_s = statistics.median(seen["bare_s"]), seen["flood_s"]
    p99_s = statistics.quantiles(answered_s, n=100)[98]
    answered = f"{len(answered_s)} of {seen['flood']} frames answered, the others gave way"
    against = f"session.run, with frames at twice its rate: {answered}"
    value, spread_s = p99_s / bare_s, spread(answered_s) / bare_s
    return Row(
        "node.overload.p99_ratio", round(value, 3), "ratio", against, len(answered_s), round(spread_s, 3)
    )


def _swaps(bundle: Bundle, swaps: int = _SWAPS, rollbacks: int = _ROLLBACKS) -> list[Row]:
    """Swaps between two copies that mark their answers, then to one that fails after its check."""
    with TemporaryDirectory() as folder:
        good = [marked(bundle, Path(folder, str(left_px)), left_px) for left_px in MARKS_PX]
        trapped = marked(bundle, Path(folder, "trapped"), MARKS_PX[0], trapped=True)
        with running_node("detector", good[0], swap_probation_frames=_PROBATION_FRAMES):
            counts = (swaps, rollbacks, _SWAP_RATE_HZ, _PROBATION_FRAMES)
            seen = _probe("swap_probe", *map(str, [*good, trapped, *counts]))
    without = f"{seen['lost_without']} of {seen['frames_without']} lost without a swap"
    frames = f"{seen['frames']} frames at {_SWAP_RATE_HZ} Hz, {swaps} swaps; {without}"
    return [
        Row("node.swap.frames_lost", seen["lost"], "frames", frames, seen["frames"], 0.0),
        Row(
            "node.swap.mixed", seen["mixed"], "answers", "the mark of the network in it", seen["answers"], 0.0
        ),
        Row(
            "node.swap.rollbacks", seen["rollbacks"], "rollbacks", f"{rollbacks} bad bundles", rollbacks, 0.0
        ),
    ]


def _probe(module: str, *arguments: str) -> dict[str, Any]:
    """What a process that speaks ROS found out."""
    command = [sys.executable, "-m", f"trunnion.bench.{module}", *arguments]
    answer = subprocess.run(command, env=cell_environment(), check=True, stdout=subprocess.PIPE, text=True)
    seen: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return seen


def _start(bundle: Bundle) -> Row:
    seconds = []
    for _ in range(_STARTS):
        began_s = time.perf_counter()
        with running_node("detector", bundle.path):
            seconds.append(time.perf_counter() - began_s)
    return median_row("node.start_s", seconds, "s", "from the start of the process to the active detector")
