"""The ROS 2 nodes against the network alone: real processes, real middleware."""

from __future__ import annotations

import json
import logging
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trunnion.bench import policy
from trunnion.bench.cell_nodes import running_node
from trunnion.bench.copies import MARKS_PX, marked, why_unmarkable, with_detector
from trunnion.bench.measure import Row, median_row, percentile_rows, ratio_row, spread
from trunnion.bench.processes import cpu_s, rss_mib
from trunnion.bench.reference import SIZES_PX, reference_network, reference_spec
from trunnion.checkout import cell_environment
from trunnion_contract.bundle import Bundle

_log = logging.getLogger(__name__)
_FRAMES = 150
_STARTS = 5
_SWAPS, _ROLLBACKS = 100, 20
_SWAP_RATE_HZ, _PROBATION_FRAMES = 15, 5


def rows(bundle: Bundle) -> list[Row]:
    """`node.*`: YOLO26n at 640 and 320 px, then detector and policy of the bundle, each in a node of its own.

    A detector whose answers cannot be marked has no `node.swap.*`; the log says so.
    """
    if bundle.model.detector is None:
        return policy.rows(bundle)
    return [*_end_to_end(bundle), *_swaps_if_marked(bundle), _start(bundle), *policy.rows(bundle)]


def _end_to_end(bundle: Bundle) -> list[Row]:
    made, lost, shown, rates = [], 0, 0, []
    for size in SIZES_PX:
        with TemporaryDirectory() as folder:
            network = reference_network(size, Path(folder))
            copy = with_detector(bundle, Path(folder), network, reference_spec(size))
            seen = _through_node(copy)
        made += [*_frames(seen, size), _overload(seen, size)]
        lost, shown = lost + seen["through_node_s"].count(None), shown + _FRAMES
        rates.append(f"{size} px at {seen['rate_hz']:.0f} Hz")
    return [
        *made,
        *_middleware(),
        Row("node.frames_lost", lost, "frames", f"{shown} frames, {' and '.join(rates)}", shown, 0.0),
    ]


def _middleware() -> list[Row]:
    """What is left of the way of a frame when nothing is done with it."""
    seconds = _probe("echo_probe", str(_FRAMES))["echoed_s"]
    what = "published to answer received, through a process that detects nothing: the floor of any node in Python"
    return percentile_rows("node.middleware", [1e3 * second for second in seconds], what)


def _through_node(bundle: Path) -> dict[str, Any]:
    # As many threads as the bare session has, and on the CPU as that is.
    with running_node("detector", bundle, precision="fp32", threads=0, device="cpu") as cell:
        process_id = cell.process_ids["detector"]
        before_s, began_s = cpu_s(process_id), time.monotonic()
        seen = _probe("frame_probe", str(bundle), str(_FRAMES))
        seen["cpu"] = (cpu_s(process_id) - before_s) / (time.monotonic() - began_s)
        seen["rss_mib"] = rss_mib(process_id)
    return seen


def _frames(seen: dict[str, Any], size: int) -> list[Row]:
    """What frames cost below capacity."""
    both = [(node, bare) for node, bare in zip(seen["through_node_s"], seen["bare_s"], strict=True) if node]
    timed = [[node for node, _ in both], [bare for _, bare in both]]
    against = "session.run on the same image at the same rate, taking turns in blocks of frames"
    name = f"node.e2e.{size}"
    shown = f"frames of 640x480 at {seen['rate_hz']:.0f} Hz, then twice the network's own rate"
    return [
        ratio_row(f"{name}.p50_ratio", timed, against),
        *percentile_rows(name, [1e3 * second for second in timed[0]], "published to detections received"),
        *_stages(seen["said"], size),
        Row(f"node.detector.{size}.cpu", round(seen["cpu"], 3), "cores", shown, 1, 0.0),
        Row(f"node.detector.{size}.rss_mib", round(seen["rss_mib"], 1), "MiB", shown, 1, 0.0),
    ]


def _stages(said: dict[str, str], size: int) -> list[Row]:
    """Where the time goes, as the node itself says."""
    return [
        Row(
            f"node.detector.{size}.{stage}.{percentile}",
            float(value),
            "ms",
            "as /diagnostics says",
            _FRAMES,
            0.0,
        )
        for stage in ("wait", "decode", "preprocess", "infer", "postprocess", "publish")
        for percentile in ("p50_ms", "p95_ms", "p99_ms")
        if (value := said.get(f"{stage}_{percentile}"))
    ]


def _overload(seen: dict[str, Any], size: int) -> Row:
    """How old the oldest answers are when twice as many frames come as can be answered."""
    bare_s, answered_s = statistics.median(seen["bare_s"]), seen["flood_s"]
    p99_s = statistics.quantiles(answered_s, n=100)[98]
    answered = f"{len(answered_s)} of {seen['flood']} frames answered, the others gave way"
    against = f"session.run, with frames at twice its rate: {answered}"
    value, spread_s = p99_s / bare_s, spread(answered_s) / bare_s
    # The name that stays is that of the smaller network, beside which the middleware weighs most.
    name = "node.overload.p99_ratio" if size == min(SIZES_PX) else f"node.overload.{size}.p99_ratio"
    return Row(name, round(value, 3), "ratio", against, len(answered_s), round(spread_s, 3))


def _swaps_if_marked(bundle: Bundle) -> list[Row]:
    """None where the answers could not tell which network gave them."""
    assert bundle.model.detector is not None
    why = why_unmarkable(bundle.model.detector.spec)
    if why:
        _log.warning("no rows node.swap.*: the answers of this detector cannot be marked, because %s", why)
        return []
    return _swaps(bundle)


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
        with running_node("detector", bundle.path):
            seconds.append(float(_probe("start_probe")["active_after_s"]))
    return median_row("node.start_s", seconds, "s", "from the start of the process to the active detector")
