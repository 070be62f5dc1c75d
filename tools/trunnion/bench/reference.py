"""The network that detectors are measured on: YOLO26n, with random weights, since they do not change its time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_training.vision.family import DetectorForm

SIZES_PX = (640, 320)
_CLASSES, _OPSET, _SEED = 80, 17, 0


def reference_network(size_px: int, folder: Path) -> bytes:
    """The ONNX file, exported as a trained one would be; takes seconds."""
    import torch

    from trunnion_training.vision.onnx_export import export_onnx
    from trunnion_training.vision.ultralytics_family import Ultralytics
    from trunnion_training.vision.ultralytics_setup import load_ultralytics

    torch.manual_seed(_SEED)
    checkpoint, target = folder / "reference.pt", folder / f"reference_{size_px}.onnx"
    if not checkpoint.exists():
        load_ultralytics().YOLO("yolo26n.yaml", task="detect").save(checkpoint)
    export_onnx(Ultralytics().load(checkpoint, _form(size_px), merged=True), target, _OPSET)
    return target.read_bytes()


def reference_spec(size_px: int) -> DetectorSpec:
    """What it takes and gives."""
    form = _form(size_px)
    return DetectorSpec(
        input=form.input,
        output=form.tensor("output0", (300, 6)),
        image_size_px=size_px,
        labels=form.labels,
        confidence_threshold=form.confidence_threshold,
    )


def noise_image() -> NDArray[np.uint8]:
    """uint8 [480, 640, 3]. A real image and not zeros, of which a network takes less time than of anything seen."""
    return np.random.default_rng(_SEED).integers(0, 256, (480, 640, 3), np.uint8)


def _form(size_px: int) -> DetectorForm:
    labels = tuple(f"class_{index}" for index in range(_CLASSES))
    return DetectorForm(image_size_px=size_px, labels=labels, confidence_threshold=0.25)
