"""The robot's runtime against what it cannot be faster than: the network alone."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from trunnion.bench.measure import Row, median_row, percentile_rows, ratio_row, taking_turns
from trunnion.bench.reference import SIZES_PX, noise_image, reference_network, reference_spec
from trunnion_contract.bundle import Bundle
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_edge.backends import CannotRunHere, EngineSettings, open_engine
from trunnion_edge.detector import Detector
from trunnion_edge.preprocess import letterbox

_log = logging.getLogger(__name__)
_CALLS = 150
_STARTS = 5
_BLOCKS = 5
# Threads of ONNX Runtime, as ultralytics uses them, spin on for a moment.
_REST_S = 0.2
_ALL, _PART = "from image to boxes", "part of the whole"


def rows(bundle: Bundle) -> list[Row]:
    """`edge.*`: of YOLO26n at 640 and 320 px, and of the bundle's own detector where it is INT8 too."""
    with TemporaryDirectory() as folder:
        detectors = [row for size in SIZES_PX for row in _detector(size, Path(folder))]
    return [*detectors, *_int8(bundle), *_import()]


def _detector(size: int, folder: Path) -> list[Row]:
    network, spec = reference_network(size, folder), reference_spec(size)
    image = noise_image()
    file = folder / "detector.onnx"
    file.write_bytes(network)
    with Detector(open_engine(network, EngineSettings(device="cpu")), spec) as detector:
        stages_s: list[tuple[float, ...]] = []
        detect = partial(_detect, detector, image, stages_s)
        bare = taking_turns(_CALLS, detect, _bare_run(network, letterbox(image, size)[0]))
    theirs = apart("ultralytics", "trunnion", file, size)
    gpu = _on_gpu(network, spec, image)
    return [
        ratio_row(f"edge.detector.{size}.ratio", bare, "session.run of the same file"),
        ratio_row(
            f"edge.vs_ultralytics.{size}.ratio", theirs, "trunnion_edge on the same file, processes in turns"
        ),
        *_stages(f"edge.detector.{size}", stages_s[-_CALLS:]),
        *percentile_rows(f"edge.detector.{size}.whole", [1e3 * second for second in bare[0]], _ALL),
        *gpu,
    ]


def _detect(detector: Detector, image: np.ndarray, stages_s: list[tuple[float, ...]]) -> None:
    detector.detect(image)
    stages_s.append(detector.stages_s)


def _stages(name: str, stages_s: list[tuple[float, ...]]) -> list[Row]:
    """Where the time goes."""
    of_each = zip(("preprocess", "infer", "postprocess"), zip(*stages_s, strict=True), strict=True)
    return [
        row
        for stage, seconds in of_each
        for row in percentile_rows(f"{name}.{stage}", [1e3 * second for second in seconds], _PART)
    ]


def _on_gpu(network: bytes, spec: DetectorSpec, image: np.ndarray) -> list[Row]:
    """The same on a GPU, by the best runtime there is; nothing without a GPU."""
    settings = EngineSettings(device="gpu")
    try:
        engine = open_engine(network, settings)
    except CannotRunHere:
        return []
    tensor = {spec.input.name: letterbox(image, spec.image_size_px)[0]}
    with Detector(engine, spec) as detector:
        timed = taking_turns(_CALLS, partial(detector.detect, image), lambda: engine.infer(tensor))
    name, against = (
        f"edge.gpu.detector.{spec.image_size_px}",
        f"the run of the network alone, {engine.runtime}",
    )
    return [
        ratio_row(f"{name}.ratio", timed, against),
        *percentile_rows(f"{name}.whole", [1e3 * second for second in timed[0]], engine.runtime),
    ]


def _int8(bundle: Bundle) -> list[Row]:
    """Nothing where the bundle has no INT8."""
    detector = bundle.model.detector
    networks = detector.networks if detector else {}
    proven = [variant for variant in bundle.proof.variants if variant.precision == "int8"]
    if detector is None or "int8" not in networks or not proven or bundle.proof.detector is None:
        _log.warning(
            "no rows edge.int8.*: %s has no proven INT8 detector; that of sorting_cell_int8.yaml has",
            bundle.path.name,
        )
        return []
    size = detector.spec.image_size_px
    tensor, _ = letterbox(noise_image(), size)
    runs = [_bare_run(bundle.read(networks[precision].file), tensor) for precision in ("fp32", "int8")]
    fp32, int8 = bundle.proof.detector, proven[0].detector
    drop_points = round(100 * (fp32.map50_95 - int8.map50_95), 4)
    return [
        int8_speedup(taking_turns(_CALLS, *runs), size),
        Row(
            "edge.int8.map_drop_points",
            drop_points,
            "points",
            "fp32 on the same test images",
            int8.images,
            0.0,
        ),
    ]


def int8_speedup(seconds: list[list[float]], size_px: int) -> Row:
    """Median of fp32 over median of INT8, in words too where INT8 is not worth it."""
    row = ratio_row("edge.int8.speedup", seconds, f"session.run of fp32 over int8 at {size_px} px")
    return (
        row if row.value > 1 else replace(row, against=f"{row.against}: INT8 is not faster on this machine")
    )


def _bare_run(network: bytes, tensor: np.ndarray) -> Any:
    from trunnion_edge.backends.onnxruntime import open_session

    session = open_session(network)
    feed = {session.get_inputs()[0].name: tensor}
    return lambda: session.run(None, feed)


def apart(first: str, second: str, network: Path, size: int) -> list[list[float]]:
    """Seconds of each, in processes of their own that work in turns.

    In one process the threads that the one leaves spinning would slow down the other.
    """
    with ExitStack() as stack:
        processes = [stack.enter_context(_detecting(who, network, size)) for who in (first, second)]
        timed: list[list[float]] = [[], []]
        for _ in range(_BLOCKS):
            for process, seconds in zip(processes, timed, strict=True):
                time.sleep(_REST_S)
                seconds += _calls(process, _CALLS // _BLOCKS)
    return timed


@contextmanager
def _detecting(who: str, network: Path, size: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "trunnion.bench.detect_probe", who, str(network), str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            _calls(process, 0)
            yield process
        finally:
            process.kill()


def _calls(process: subprocess.Popen[str], count: int) -> list[float]:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{count}\n")
    process.stdin.flush()
    seconds: list[float] = json.loads(process.stdout.readline())
    return seconds


def _import() -> list[Row]:
    """From process start; the run before the first that counts has written what Python compiles."""
    ours = "import trunnion_edge.detector, trunnion_edge.policy"
    rows = []
    for name, more, floor in (
        ("edge.import_s", ", onnxruntime", "numpy, cv2, onnxruntime"),
        ("edge.import_without_backend_s", "", "numpy, pydantic"),
    ):
        ours_s, floor_s = taking_turns(_STARTS, _start(ours + more), _start(f"import {floor}"), warm_up=1)
        rows.append(median_row(name, ours_s, "s", f"{float(np.median(floor_s)):.2f} s for {floor} alone"))
    return rows


def _start(program: str) -> Any:
    command = [sys.executable, "-c", program]
    return lambda: subprocess.run(command, check=True, env=dict(os.environ))
