"""How good a detector is on a split, measured by the code that will run it on the robot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.dataset import SplitName
from trunnion_contract.manifest import DetectorSpec
from trunnion_contract.progress import Progress
from trunnion_contract.proof import DetectorEvaluation
from trunnion_edge.accuracy import TrueBoxes
from trunnion_edge.accuracy import evaluate as edge_evaluate
from trunnion_edge.backends.engine import Engine
from trunnion_edge.decode import Detections
from trunnion_edge.detector import Detector

# Average precision looks at sure and unsure boxes alike.
SCORE_MIN = 0.001


def evaluate(
    engine: Engine, spec: DetectorSpec, dataset_dir: Path, split: SplitName, progress: Progress
) -> DetectorEvaluation:
    """Run a detector over a split and measure it."""
    detections, truths = detect_all(engine, spec, split_images(dataset_dir, split), progress)
    return edge_evaluate(detections, truths, spec.labels, spec.confidence_threshold)


def detect_all(
    engine: Engine, spec: DetectorSpec, images: list[Path], progress: Progress
) -> tuple[list[Detections], list[TrueBoxes]]:
    """What a detector sees in each image file, surest and unsure boxes alike, and what is really there."""
    detector = Detector(engine, spec, confidence_threshold=SCORE_MIN)
    progress.start(f"detecting ({engine.runtime})", len(images))
    detections, truths = [], []
    for image, truth in labelled(images):
        detections.append(detector.detect(image))
        truths.append(truth)
        progress.advance()
    progress.done()
    return detections, truths


def split_images(dataset_dir: Path, split: SplitName) -> list[Path]:
    """The image files of a split, in the order of their names."""
    return sorted((dataset_dir / "images" / split).glob("*.jpg"))


def labelled(images: list[Path]) -> Iterator[tuple[NDArray[np.uint8], TrueBoxes]]:
    """Each image, uint8 [h, w, 3] BGR, with its true boxes."""
    for path in images:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        label = path.parents[2] / "labels" / path.parent.name / f"{path.stem}.txt"
        yield image, _true_boxes(label, image.shape[1], image.shape[0])


def _true_boxes(label: Path, width_px: int, height_px: int) -> TrueBoxes:
    rows = np.array([line.split() for line in label.read_text().splitlines()], dtype=np.float64).reshape(
        -1, 5
    )
    centres, sizes = rows[:, 1:3], rows[:, 3:5]
    shares = np.hstack([centres - sizes / 2, centres + sizes / 2])
    boxes = shares * np.array([width_px, height_px, width_px, height_px])
    return TrueBoxes(boxes.astype(np.float32), rows[:, 0].astype(np.int64))
