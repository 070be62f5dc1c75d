"""Parity: how far the exported network is from the trained one, through the robot's own code, on held-out inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.manifest import Parity
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import ParityLimits
from trunnion_edge.accuracy import measure, overlaps
from trunnion_edge.backends.engine import Engine
from trunnion_edge.decode import Detections
from trunnion_edge.labelled_images import labelled, split_images
from trunnion_edge.preprocess import Preprocessor
from trunnion_training.vision.evaluate import detect_all

STEP = "torch to onnx"
# Boxes below are noise that average precision hardly sees; the last of 300 change places at a whim.
_SCORE_MIN = 0.05
# A box this much surer than the threshold cannot have crossed it by rounding.
_SCORE_MARGIN = 0.005
_SAME_BOX = 0.5
_RELATIVE_FLOOR_PX = 1.0


@dataclass(frozen=True)
class Difference:
    """Largest difference, and largest difference in proportion to the value."""

    absolute: float
    relative: float

    @classmethod
    def of(cls, a: NDArray[np.float32], b: NDArray[np.float32], floor: float) -> Difference:
        """Between two arrays of one shape; values below `floor` count as `floor` when proportions are taken."""
        if not a.size:
            return cls(0.0, 0.0)
        reference = a.astype(np.float64)
        gap = np.abs(reference - b.astype(np.float64))
        return cls(float(gap.max()), float((gap / np.maximum(np.abs(reference), floor)).max()))


def detector_parity(
    trained: Engine,
    exported: Engine,
    spec: DetectorSpec,
    dataset_dir: Path,
    limits: ParityLimits,
    progress: Progress,
) -> Parity:
    """Compare boxes in source pixels and mAP50 on images of the test split, spread evenly over it.

    Every box that one of the two gives with a score above 0.05 must have its partner in the other: the box of the same
    class that overlaps it most. Ranks are not compared, because scores that differ in the last digit change them. A box
    without a partner makes the difference as large as the box. Candidates are compared one by one, before any of them
    is suppressed, because of two that are equally sure rounding decides which one stays.
    """
    images = split_images(dataset_dir, "test")
    chosen = [
        images[i] for i in np.linspace(0, len(images) - 1, min(limits.samples, len(images))).astype(int)
    ]
    reference, truths = detect_all(trained, spec, chosen, progress)
    candidates, _ = detect_all(exported, spec, chosen, progress)
    if spec.form == "candidates":
        boxes = candidates_difference(trained, exported, spec, chosen)
    else:
        boxes = boxes_difference(reference, candidates)
    drop = measure(reference, truths).map50 - measure(candidates, truths).map50
    return Parity(
        step=STEP,
        samples=len(truths),
        absolute=boxes.absolute,
        absolute_max=limits.boxes_max_px,
        relative=boxes.relative,
        map50_difference=drop,
        map50_difference_max=limits.map50_difference_max,
    )


def boxes_difference(reference: Sequence[Detections], candidates: Sequence[Detections]) -> Difference:
    """The largest differences between partners over all images, in pixels."""
    each = [_image_difference(a, b) for a, b in zip(reference, candidates, strict=True)]
    each += [_image_difference(b, a) for a, b in zip(reference, candidates, strict=True)]
    return _largest(each)


def _largest(each: Sequence[Difference]) -> Difference:
    return Difference(
        max((difference.absolute for difference in each), default=0.0),
        max((difference.relative for difference in each), default=0.0),
    )


def candidates_difference(
    trained: Engine, exported: Engine, spec: DetectorSpec, images: Sequence[Path]
) -> Difference:
    """The largest differences between candidates that either network is sure enough of, in pixels of the images.

    One that only one of the two is sure of is as wrong as it is large.
    """
    preprocessor = Preprocessor(spec.image_size_px, spec.pad_value)
    each = []
    for image, _ in labelled(list(images)):
        tensor, letterbox = preprocessor.prepare(image)
        a, b = (
            engine.infer({spec.input.name: tensor})[spec.output.name][0] for engine in (trained, exported)
        )
        sure, alone = _sureness(a[4 : 4 + len(spec.labels)], b[4 : 4 + len(spec.labels)])
        boxes_a, boxes_b = (letterbox.to_source(_corners(rows.T)) for rows in (a, b))
        boxes_b[alone] = 0
        each.append(Difference.of(boxes_a[sure], boxes_b[sure], _RELATIVE_FLOOR_PX))
    return _largest(each)


def _sureness(a: NDArray[np.float32], b: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of scores [c, n]: which candidates one of the two is sure enough of, and which only one, in any class."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    alone = (low < _SCORE_MIN) & (high >= _SCORE_MIN + _SCORE_MARGIN)
    return (high >= _SCORE_MIN).any(axis=0), alone.any(axis=0)


def _corners(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 [n, 4 + ...] of centre and size → [n, 4], x1 y1 x2 y2."""
    halves = rows[:, 2:4] / 2
    return np.hstack([rows[:, :2] - halves, rows[:, :2] + halves])


def _image_difference(a: Detections, b: Detections) -> Difference:
    """Each box of `a` against its partner in `b`, which may be a little less sure."""
    a, b = a.above(_SCORE_MIN + _SCORE_MARGIN), b.above(_SCORE_MIN)
    if not len(a):
        return Difference(0.0, 0.0)
    shared = overlaps(a.boxes_px, b.boxes_px) * (a.class_ids[:, None] == b.class_ids[None])
    partner = _partners(shared)
    boxes = np.where(partner[:, None] >= 0, b.boxes_px[partner] if len(b) else a.boxes_px, np.float32(0))
    return Difference.of(a.boxes_px, boxes.astype(np.float32), _RELATIVE_FLOOR_PX)


def _partners(shared: NDArray[np.float64]) -> NDArray[np.int64]:
    """One-to-one partners by overlap [n, m], the largest first; -1 where there is none."""
    partner = np.full(len(shared), -1, np.int64)
    left = shared.copy()
    while left.size and left.max() >= _SAME_BOX:
        i, j = np.unravel_index(left.argmax(), left.shape)
        partner[i] = j
        left[i, :] = left[:, j] = -1
    return partner
