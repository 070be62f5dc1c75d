"""Calibration: in which range each tensor lies while the network looks at images that it was trained on."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    TensorsData,
    create_calibrator,
)

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.progress import Progress
from trunnion_edge.labelled_images import labelled, split_images
from trunnion_edge.preprocess import Preprocessor

IMAGES_MAX = 32
# Activations of so many pixels are in memory at a time: 320 MB for a small detector.
_CHUNK_PX = 8 * 320 * 320
OPERATORS = ("Conv", "MatMul", "Sigmoid", "Mul", "Add", "Concat", "MaxPool", "Resize", "Split")
# What lies in one range for all of a tensor: cut at 99.999 %, or where the entropy of the 8-bit histogram is nearest.
CALIBRATORS: Mapping[str, tuple[CalibrationMethod, dict[str, object]]] = {
    "entropy": (CalibrationMethod.Entropy, {}),
    "percentile": (CalibrationMethod.Percentile, {"symmetric": False, "percentile": 99.999}),
}

Tensor = NDArray[np.float32]


def calibration_images(dataset_dir: Path, spec: DetectorSpec) -> list[Tensor]:
    """Tensors [1, 3, S, S] of up to 32 images of the train split, spread evenly over it: always the same ones."""
    images = split_images(dataset_dir, "train")
    places = np.linspace(0, len(images) - 1, min(IMAGES_MAX, len(images))).astype(int)
    preprocessor = Preprocessor(spec.image_size_px, spec.pad_value)
    chosen = [images[place] for place in places]
    return [preprocessor.prepare(image)[0].copy() for image, _ in labelled(chosen)]


def calibrate(
    network: Path, calibrator: str, input_name: str, images: list[Tensor], progress: Progress
) -> TensorsData:
    """The range of every tensor of `network` that may be quantised.

    Args:
        network: an ONNX file; the calibrator puts its own beside it.
        calibrator: a key of `CALIBRATORS`.
    """
    method, settings = CALIBRATORS[calibrator]
    progress.start(f"calibrating ({calibrator})", len(images))
    augmented = str(network.with_suffix(f".{calibrator}.onnx"))
    # The library tells of every step on standard output, through the progress bar.
    with redirect_stdout(io.StringIO()):
        collector = create_calibrator(
            network, OPERATORS, augmented, calibrate_method=method, extra_options=settings
        )
    count = max(1, _CHUNK_PX // (images[0].shape[2] * images[0].shape[3]))
    for chunk in (images[first : first + count] for first in range(0, len(images), count)):
        with redirect_stdout(io.StringIO()):
            collector.collect_data(_Feed(input_name, chunk))
        progress.advance(len(chunk))
    # A tensor that is empty in every image, such as boxes that nothing gave, has a histogram without anything in it.
    with redirect_stdout(io.StringIO()), np.errstate(invalid="ignore"):
        ranges = collector.compute_data()
    progress.done()
    return ranges


class _Feed(CalibrationDataReader):
    """Images in the form that the library asks for."""

    def __init__(self, input_name: str, images: list[Tensor]) -> None:
        self._feeds: Iterator[dict[str, Tensor]] = iter([{input_name: image} for image in images])

    def get_next(self) -> dict[str, Tensor] | None:
        return next(self._feeds, None)
