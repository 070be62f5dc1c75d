"""From a detector's outputs to boxes in the pixels of the camera image, with their masks or keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec, KeypointSpec
from trunnion_contract.errors import BadInput, Broken
from trunnion_edge.masks import Masks
from trunnion_edge.preprocess import Letterbox
from trunnion_edge.suppression import suppress

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Detections:
    """What a detector saw in one image, the surest first.

    Attributes:
        boxes_px: float32 [n, 4], x1 y1 x2 y2 in pixels of the source image, inside it.
        scores: float32 [n] in [0, 1].
        class_ids: int64 [n], positions in the model's labels.
        masks: of these detections, from a model that segments.
        keypoints: float32 [n, k, 3] from a model of poses: x y in pixels of the source image, not always inside it,
            and how surely the point is visible, in [0, 1].
    """

    boxes_px: Floats
    scores: Floats
    class_ids: NDArray[np.int64]
    masks: Masks | None = None
    keypoints: Floats | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float) -> Detections:
        """Those with at least this score."""
        return self.rows(self.scores >= threshold)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Detections:
        """Those of a mask or of positions."""
        return Detections(
            self.boxes_px[which],
            self.scores[which],
            self.class_ids[which],
            None if self.masks is None else self.masks.rows(which),
            None if self.keypoints is None else self.keypoints[which],
        )


@dataclass(frozen=True)
class _Found:
    """Rows of one image in pixels of the letterboxed image, the surest first."""

    boxes_px: Floats
    scores: Floats
    class_ids: NDArray[np.int64]
    extras: Floats

    def rows(self, which: NDArray[np.bool_]) -> _Found:
        return _Found(self.boxes_px[which], self.scores[which], self.class_ids[which], self.extras[which])


def decode(
    outputs: Mapping[str, NDArray[Any]],
    spec: DetectorSpec,
    letterboxes: Sequence[Letterbox],
    confidence_threshold: float,
    nms_threshold: float | None = None,
) -> list[Detections]:
    """What a network gave for N images, as `spec` says it → what is in each of them.

    Rows below the threshold, with a value that is not finite, or with nothing left inside the image are dropped. Of
    overlapping candidates the surest stays, by `nms_threshold` or else the spec's.

    Raises:
        BadInput: an output has another shape.
        Broken: every row for an image has a value that is not finite, which would look like an empty image.
    """
    output = outputs[spec.output.name]
    _check(output, spec, len(letterboxes))
    nms_threshold = spec.nms_threshold if nms_threshold is None else nms_threshold
    decoded = []
    for index, letterbox in enumerate(letterboxes):
        of_image = output[index]
        if spec.form == "chosen":
            found = _chosen(of_image, confidence_threshold)
        else:
            found = _candidates(of_image, len(spec.labels), confidence_threshold, nms_threshold)
        if not len(found.scores):
            _check_sighted(of_image if spec.form == "chosen" else of_image.T)
        prototypes = outputs[spec.masks.prototypes.name][index] if spec.masks else None
        decoded.append(_in_source(found, spec, letterbox, prototypes))
    return decoded


def _chosen(rows: Floats, threshold: float) -> _Found:
    """float32 [n, 6 + e]: x1 y1 x2 y2 score class extras."""
    rows = _finite(rows[rows[:, 4] >= threshold])
    scores = rows[:, 4]
    if len(rows) > 1 and (scores[1:] > scores[:-1]).any():
        rows = rows[np.argsort(-scores, kind="stable")]
    return _Found(rows[:, :4], rows[:, 4], np.rint(rows[:, 5]).astype(np.int64), rows[:, 6:])


# After the network the processor's caches hold nothing of ours, and each call of numpy costs 10 µs, twice that where it
# goes through a function in Python. Hence the few calls below, and ufuncs themselves.


def _finite(rows: Floats) -> Floats:
    # The sum tells in one call whether there is anything to look for.
    return rows if isfinite(np.add.reduce(rows, axis=None)) else rows[np.isfinite(rows).all(axis=1)]


def _check_sighted(rows: Floats) -> None:
    """Of an image in which nothing was found: that the network said so, and not that it knows nothing any more."""
    # The first row tells in one call, in all networks that are well.
    if not len(rows) or isfinite(np.add.reduce(rows[0])) or np.isfinite(rows).all(axis=1).any():
        return
    raise Broken(
        where="the detector's output",
        got=f"{len(rows)} rows, each with a value that is not finite",
        wanted="finite numbers",
        next_step="load the bundle that ran before; export the model again, or in a higher precision",
    )


def _candidates(columns: Floats, classes: int, threshold: float, nms_threshold: float) -> _Found:
    """float32 [4 + c + e, n]: centre and size, the score of each class, extras; a candidate is of its surest class."""
    surest = columns[4 : 4 + classes].max(axis=0)
    rows = _finite(columns[:, surest >= threshold].T)
    of_classes = rows[:, 4 : 4 + classes]
    class_ids = of_classes.argmax(axis=1)
    scores = np.take_along_axis(of_classes, class_ids[:, None], axis=1)[:, 0]
    boxes = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], axis=1)
    kept = suppress(boxes, scores, class_ids, nms_threshold)
    return _Found(boxes[kept], scores[kept], class_ids[kept], rows[kept, 4 + classes :])


def _in_source(
    found: _Found, spec: DetectorSpec, letterbox: Letterbox, prototypes: Floats | None
) -> Detections:
    boxes = letterbox.to_source(found.boxes_px)
    np.maximum(boxes, 0, out=boxes)
    np.minimum(boxes, letterbox.corners_px, out=boxes)
    inside: NDArray[np.bool_] = boxes[:, :2] < boxes[:, 2:]
    if not inside.all():
        whole: NDArray[np.bool_] = np.asarray(inside.all(axis=1))
        found, boxes = found.rows(whole), boxes[whole]
    extras = found.extras
    masks = keypoints = None
    if prototypes is not None:
        # A runtime may write its next answer where this one is.
        masks = Masks(extras, prototypes.copy(), boxes, letterbox, spec.image_size_px)
    if spec.keypoints is not None:
        keypoints = _keypoints(extras, spec.keypoints, letterbox)
    return Detections(boxes, found.scores, found.class_ids, masks, keypoints)


def _keypoints(extras: Floats, spec: KeypointSpec, letterbox: Letterbox) -> Floats:
    values = extras.reshape(-1, len(spec.names), spec.values)
    keypoints = np.ones((*values.shape[:2], 3), np.float32)
    keypoints[..., : spec.values] = values
    keypoints[..., :2] = letterbox.points_to_source(keypoints[..., :2])
    return keypoints


def _check(output: NDArray[Any], spec: DetectorSpec, images: int) -> None:
    rows, columns = ("n", spec.columns) if spec.form == "chosen" else (spec.columns, "n")
    values = "x1 y1 x2 y2 score class" if spec.form == "chosen" else "cx cy w h and a score for each class"
    axis = 2 if spec.form == "chosen" else 1
    if output.ndim != 3 or output.shape[0] != images or output.shape[axis] != spec.columns:
        raise BadInput(
            where="the detector's output",
            got=f"{list(output.shape)}",
            wanted=f"[{images}, {rows}, {columns}]: {values}, as the manifest says",
            next_step="export the model again",
        )
