"""The exported detector on images that training never saw, run by the runtime that the robot runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trunnion_contract.proof import DetectorEvaluation
from trunnion_edge.accuracy import TrueBoxes, confusion, evaluate
from trunnion_edge.decode import Detections
from trunnion_edge.detector import Detector
from trunnion_edge.labelled_images import labelled, split_images
from trunnion_sim.drawing import draw_detections, jpeg

# Average precision looks at sure and unsure boxes alike.
SCORE_MIN = 0.001
SAMPLES = 8
HARDEST = 4


@dataclass(frozen=True)
class Sample:
    """A picture of what the detector saw: JPEG bytes, and what a person should know about it."""

    caption: str
    data: bytes


def evaluate_detector(detector: Detector, dataset_dir: Path) -> tuple[DetectorEvaluation, list[Sample]]:
    """Measure the detector on the test split; the samples are some images of the split and the hardest ones.

    Raises:
        BadInput: the split has no images, or nothing is labelled in them.
    """
    images = split_images(dataset_dir, "test")
    sure = detector.confidence_threshold
    detections, truths = _detect_all(detector, images)
    result = evaluate(detections, truths, detector.labels, sure)
    wrong = [_errors(found, truth, detector) for found, truth in zip(detections, truths, strict=True)]
    samples = []
    for index in _chosen(wrong):
        ((image, truth),) = labelled(images[index : index + 1])
        picture = draw_detections(image, detections[index].above(sure), truth, detector.labels)
        samples.append(Sample(_caption(images[index].name, wrong[index]), jpeg(picture)))
    return result, samples


def _detect_all(detector: Detector, images: list[Path]) -> tuple[list[Detections], list[TrueBoxes]]:
    detections, truths = [], []
    sure, detector.confidence_threshold = detector.confidence_threshold, SCORE_MIN
    try:
        for image, truth in labelled(images):
            detections.append(detector.detect(image))
            truths.append(truth)
    finally:
        detector.confidence_threshold = sure
    return detections, truths


def _errors(found: Detections, truth: TrueBoxes, detector: Detector) -> int:
    matrix = confusion([found], [truth], len(detector.labels), detector.confidence_threshold)
    return int(matrix.sum() - np.trace(matrix))


def _chosen(wrong: Sequence[int]) -> list[int]:
    """Images spread evenly over the split, then those with the most errors."""
    spread = np.linspace(0, len(wrong) - 1, min(SAMPLES, len(wrong))).astype(int).tolist()
    hardest = sorted(range(len(wrong)), key=lambda index: (-wrong[index], index))[:HARDEST]
    return [*spread, *(index for index in hardest if wrong[index] and index not in spread)]


def _caption(name: str, wrong: int) -> str:
    count = "nothing wrong" if not wrong else "1 error" if wrong == 1 else f"{wrong} errors"
    return f"{count} in {name}"
