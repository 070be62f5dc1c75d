"""How right a detector is: average precision as COCO defines it, and a confusion matrix.

Boxes are matched greedily, the surest first, each with the free true box of its class that it overlaps most;
precision is made monotone and read at 101 recalls. Source: Lin et al., Microsoft COCO, 2014, and its evaluation code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_contract.proof import DetectorEvaluation
from trunnion_edge.decode import Detections

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)
_DETECTIONS_MAX = 100
_CONFUSION_IOU = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrueBoxes:
    """What is really in an image: boxes float32 [n, 4] x1 y1 x2 y2 in pixels, classes int64 [n]."""

    boxes_px: NDArray[np.float32]
    class_ids: NDArray[np.int64]


@dataclass(frozen=True)
class Accuracy:
    """Average precision over all images.

    Attributes:
        precision_by_class: class id → float64 [10], average precision at each of `IOU_THRESHOLDS`; only for
            classes that occur in the truth.
    """

    precision_by_class: dict[int, Floats]

    @property
    def map50(self) -> float:
        """Mean over classes at an overlap of 0.5."""
        return float(np.mean([precision[0] for precision in self.precision_by_class.values()]))

    @property
    def map50_95(self) -> float:
        """Mean over classes and overlaps from 0.5 to 0.95."""
        return float(np.mean(list(self.precision_by_class.values())))


def measure(detections: Sequence[Detections], truths: Sequence[TrueBoxes]) -> Accuracy:
    """Average precision of one `Detections` for each image; take them with a threshold near 0.

    Raises:
        BadInput: there is nothing to find in any image, or the two sequences differ in length.
    """
    _check(detections, truths)
    classes = sorted({int(class_id) for truth in truths for class_id in truth.class_ids})
    return Accuracy({class_id: _average_precision(detections, truths, class_id) for class_id in classes})


def confusion(
    detections: Sequence[Detections], truths: Sequence[TrueBoxes], classes: int, confidence_threshold: float
) -> NDArray[np.int64]:
    """int64 [classes + 1, classes + 1]: rows are true classes and "nothing there", columns predicted ones and "missed".

    Boxes are matched without regard to class, the largest overlap first, from an overlap of 0.5.
    """
    matrix = np.zeros((classes + 1, classes + 1), np.int64)
    for found, truth in zip(detections, truths, strict=True):
        sure = found.above(confidence_threshold)
        pairs = _pairs(overlaps(sure.boxes_px, truth.boxes_px))
        for i, j in pairs:
            matrix[truth.class_ids[j], sure.class_ids[i]] += 1
        matched_found, matched_true = {i for i, _ in pairs}, {j for _, j in pairs}
        for i in set(range(len(sure))) - matched_found:
            matrix[classes, sure.class_ids[i]] += 1
        for j in set(range(len(truth.class_ids))) - matched_true:
            matrix[truth.class_ids[j], classes] += 1
    return matrix


def evaluate(
    detections: Sequence[Detections],
    truths: Sequence[TrueBoxes],
    labels: Sequence[str],
    confidence_threshold: float,
) -> DetectorEvaluation:
    """The record of a proof; `detections` are taken with a threshold near 0, the confusion matrix at the given one."""
    accuracy = measure(detections, truths)
    matrix = confusion(detections, truths, len(labels), confidence_threshold)
    return DetectorEvaluation(
        images=len(truths),
        map50=accuracy.map50,
        map50_95=accuracy.map50_95,
        map50_by_class={
            labels[i]: float(precision[0]) for i, precision in accuracy.precision_by_class.items()
        },
        confusion=tuple(tuple(row) for row in matrix.tolist()),
    )


def overlaps(a_px: NDArray[np.float32], b_px: NDArray[np.float32]) -> Floats:
    """Intersection over union of boxes [n, 4] and [m, 4] → float64 [n, m]."""
    a, b = a_px.astype(np.float64)[:, None], b_px.astype(np.float64)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = sides.clip(min=0).prod(axis=2)
    areas = [(box[..., 2:] - box[..., :2]).prod(axis=2) for box in (a, b)]
    union = areas[0] + areas[1] - shared
    overlap: Floats = shared / np.where(union > 0, union, 1.0)
    return overlap


def _average_precision(
    detections: Sequence[Detections], truths: Sequence[TrueBoxes], class_id: int
) -> Floats:
    """float64 [10]: of one class, at each overlap."""
    scores, hits, positives = [], [], 0
    for found, truth in zip(detections, truths, strict=True):
        mine = np.flatnonzero(found.class_ids == class_id)
        mine = mine[np.argsort(-found.scores[mine], kind="stable")][:_DETECTIONS_MAX]
        true_boxes = truth.boxes_px[truth.class_ids == class_id]
        scores.append(found.scores[mine])
        hits.append(_hits(overlaps(found.boxes_px[mine], true_boxes)))
        positives += len(true_boxes)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return _area(np.concatenate(hits)[order], positives)


def _hits(overlap: Floats) -> NDArray[np.bool_]:
    """Overlaps [n, m] of one image, the surest first → bool [n, 10]: whether each found a free true box."""
    hits = np.zeros((len(overlap), len(IOU_THRESHOLDS)), np.bool_)
    near = np.flatnonzero((overlap >= IOU_THRESHOLDS[0]).any(axis=1))
    for t, threshold in enumerate(IOU_THRESHOLDS):
        free = overlap.copy()
        for i in near:
            best = int(free[i].argmax())
            if free[i, best] >= min(threshold, 1 - 1e-10):
                hits[i, t] = True
                free[:, best] = -1
    return hits


def _area(hits: NDArray[np.bool_], positives: int) -> Floats:
    """Hits [n, 10] of all images, the surest first → the mean of the monotone precision at 101 recalls."""
    true_positives = hits.cumsum(axis=0)
    recall = true_positives / positives
    precision = true_positives / np.arange(1, len(hits) + 1)[:, None]
    precision = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    result = np.zeros(hits.shape[1])
    for t in range(hits.shape[1]):
        at = np.searchsorted(recall[:, t], _RECALLS, side="left")
        result[t] = precision[at[at < len(hits)], t].sum() / len(_RECALLS)
    return result


def _pairs(overlap: Floats) -> list[tuple[int, int]]:
    """One-to-one pairs, the largest overlap first."""
    pairs, left = [], overlap.copy()
    while left.size and left.max() >= _CONFUSION_IOU:
        i, j = (int(index) for index in np.unravel_index(left.argmax(), left.shape))
        pairs.append((i, j))
        left[i, :], left[:, j] = -1, -1
    return pairs


def _check(detections: Sequence[Detections], truths: Sequence[TrueBoxes]) -> None:
    if len(detections) != len(truths) or not any(len(truth.class_ids) for truth in truths):
        raise BadInput(
            where="the evaluation of the detector",
            got=f"{len(detections)} results for {len(truths)} images",
            wanted="one result for each image, and at least one labelled box",
            next_step="check the split of the dataset",
        )
