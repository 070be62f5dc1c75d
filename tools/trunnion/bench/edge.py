"""The robot's runtime against what it cannot be faster than: the network alone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from trunnion.bench.measure import Row, median_row, percentile_rows, ratio_row, taking_turns
from trunnion.bench.reference import SIZES_PX, reference_network, reference_spec
from trunnion_contract.bundle import Bundle
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_edge.backends import CannotRunHere, EngineSettings, open_engine
from trunnion_edge.detector import Detector

_CALLS = 150
_STARTS = 5
_SEED = 0
# ONNX Runtime's threads, as ultralytics uses them, spin on for a moment.
_PAUSE_S = 0.005
_ALL, _PART = "from image to boxes", "part of the whole"


def rows(bundle: Bundle) -> list[Row]:
    """`edge.*`: of YOLO26n at 640 and 320 px, and of the bundle's own detector where it is INT8 too."""
    with TemporaryDirectory() as folder:
        detectors = [row for size in SIZES_PX for row in _detector(size, Path(folder))]
    return [*detectors, *_int8(bundle), _import()]


def _detector(size: int, folder: Path) -> list[Row]:
    network, spec = reference_network(size, folder), reference_spec(size)
    image = np.random.default_rng(_SEED).integers(0, 256, (480, 640, 3), np.uint8)
    file = folder / "detector.onnx"
    file.write_bytes(network)
    with Detector(open_engine(network, EngineSettings(device="cpu")), spec) as detector:
        stages_s: list[tuple[float, ...]] = []
        detect = partial(_detect, detector, image, stages_s)
        bare = taking_turns(_CALLS, detect, _bare_run(network, size))
        undisturbed_s = stages_s[-_CALLS:]
        theirs = taking_turns(_CALLS, _ultralytics(file, size, image), detect, pause_s=_PAUSE_S)
    gpu = _on_gpu(network, spec, image)
    return [
        ratio_row(f"edge.detector.{size}.ratio", bare, "session.run of the same file"),
        ratio_row(f"edge.vs_ultralytics.{size}.ratio", theirs, "trunnion_edge on the same file"),
        *_stages(f"edge.detector.{size}", undisturbed_s),
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
    tensor = {spec.input.name: np.zeros((1, 3, spec.image_size_px, spec.image_size_px), np.float32)}
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
        return []
    size = detector.spec.image_size_px
    runs = [_bare_run(bundle.read(networks[precision].file), size) for precision in ("fp32", "int8")]
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


def _bare_run(network: bytes, size: int) -> Any:
    from trunnion_edge.backends.onnxruntime import open_session

    session = open_session(network)
    feed = {session.get_inputs()[0].name: np.zeros((1, 3, size, size), np.float32)}
    return lambda: session.run(None, feed)


def _ultralytics(network: Path, size: int, image: np.ndarray) -> Any:
    # The trainer's own settings keep it from installing packages and from writing outside its folder.
    from trunnion_training.vision.ultralytics_setup import load_ultralytics

    model = load_ultralytics().YOLO(str(network), task="detect")
    return lambda: model.predict(image, imgsz=size, verbose=False, device="cpu")


def _import() -> Row:
    ours_s, floor_s = taking_turns(
        _STARTS,
        _start("import trunnion_edge.detector, trunnion_edge.policy, onnxruntime"),
        _start("import numpy, cv2, onnxruntime"),
        warm_up=1,
    )
    floor = f"{float(np.median(floor_s)):.2f} s for numpy, cv2 and onnxruntime alone"
    return median_row("edge.import_s", ours_s, "s", floor)


def _start(program: str) -> Any:
    command = [sys.executable, "-c", program]
    return lambda: subprocess.run(command, check=True, env=dict(os.environ))
