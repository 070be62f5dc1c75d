"""How good a detector is on a split, measured by the code that will run it on the robot."""

from __future__ import annotations

from pathlib import Path

from trunnion_contract.dataset import SplitName
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.progress import Progress
from trunnion_contract.proof import DetectorEvaluation
from trunnion_edge.accuracy import TrueBoxes
from trunnion_edge.accuracy import evaluate as edge_evaluate
from trunnion_edge.backends.engine import Engine
from trunnion_edge.decode import Detections
from trunnion_edge.detector import Detector
from trunnion_edge.labelled_images import labelled, split_images

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
