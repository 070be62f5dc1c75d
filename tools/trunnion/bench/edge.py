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

from trunnion.bench.measure import Row, median_row, ratio_row, taking_turns
from trunnion_contract.bundle import Bundle

_CALLS = 150
_STARTS = 5
_SEED = 0


def rows(bundle: Bundle) -> list[Row]:
    """`edge.*` for the bundle's detector at the size it was trained for."""
    return [*(_detector(bundle) if bundle.model.detector else ()), *_int8(bundle), _import()]


def _detector(bundle: Bundle) -> list[Row]:
    from trunnion_edge.detector import Detector

    model = bundle.model.detector
    assert model is not None
    size = model.spec.image_size_px
    image = np.random.default_rng(_SEED).integers(0, 256, (size * 3 // 4, size, 3), np.uint8)
    with (
        TemporaryDirectory() as folder,
        Detector.from_model(bundle.model, bundle.read, precision="fp32") as detector,
    ):
        network = Path(folder) / "detector.onnx"
        network.write_bytes(bundle.read(model.file))
        detect = partial(detector.detect, image)
        bare = taking_turns(_CALLS, detect, _bare_run(network, size))
        theirs = taking_turns(_CALLS, _ultralytics(network, size, image), detect)
    return [
        ratio_row(f"edge.detector.{size}.ratio", bare, "session.run of the same file"),
        ratio_row(f"edge.vs_ultralytics.{size}.ratio", theirs, "trunnion_edge on the same file"),
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


def _bare_run(network: Path | bytes, size: int) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
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
