"""Detections, their labels and their model as messages, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from trunnion_interfaces.msg import DetectionSource, Keypoints, ObjectKeypoints
from vision_msgs.msg import (
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    VisionClass,
    VisionInfo,
)

from trunnion_edge.detector import Detections
from trunnion_edge.model_source import ModelSource
from trunnion_inference.images import mono16_message

# Positions in the labels, as text; a label_info names no more than 2^16 of them.
_CLASS_ID = re.compile(r"[0-9]{1,5}")
# Far beyond any picture.
_NUMBER_MAX = 1e6


def detections_message(detections: Detections, header: Header) -> Detection2DArray:
    """Every box with the header of its image; centre and size in pixels of that image; none gives an empty array."""
    rows = zip(detections.boxes_px, detections.scores, detections.class_ids, strict=True)
    found = [_detection(box, float(score), int(class_id), header) for box, score, class_id in rows]
    return Detection2DArray(header=header, detections=found)


def keypoints_message(detections: Detections, names: Sequence[str], header: Header) -> Keypoints:
    """The keypoints of a model of poses, in the order of the detections, in pixels of their image."""
    found = () if detections.keypoints is None else detections.keypoints
    objects = [
        ObjectKeypoints(
            points=[Point2D(x=float(x), y=float(y)) for x, y, _ in keypoints],
            visibility=[float(visibility) for _, _, visibility in keypoints],
        )
        for keypoints in found
    ]
    return Keypoints(header=header, names=list(names), objects=objects)


def instances_message(detections: Detections, header: Header) -> Image:
    """A picture as large as the image: k in the pixels of the k-th detection's mask, counted from 1, else 0."""
    assert detections.masks is not None
    return mono16_message(detections.masks.instances(), header)


def detections_from(message: Detection2DArray) -> Detections:
    """The inverse of `detections_message`; the best hypothesis of each detection counts.

    Anybody may publish here. What names no class by its position, or where a number is no number, is left out, so the
    result can be shorter than the message.
    """
    rows = [row for item in message.detections if (row := _row(item))]
    return Detections(
        boxes_px=np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in rows], np.float32),
        class_ids=np.array([class_id for _, _, class_id in rows], np.int64),
    )


def label_info_message(labels: Sequence[str], threshold: float, header: Header) -> LabelInfo:
    """What the `class_id` of a detection means: the position of the label, as text."""
    classes = [VisionClass(class_id=index, class_name=label) for index, label in enumerate(labels)]
    return LabelInfo(header=header, class_map=classes, threshold=threshold)


def labels_from(message: LabelInfo) -> dict[int, str]:
    """Class id to class name."""
    return {entry.class_id: entry.class_name for entry in message.class_map}


def source_message(source: ModelSource, header: Header) -> DetectionSource:
    """Which model made the detections of this header."""
    return DetectionSource(
        header=header,
        model=source.name,
        version=source.version,
        digest=source.digest,
        precision=source.precision,
        runtime=source.runtime,
    )


def vision_info_message(source: ModelSource, version: int, header: Header) -> VisionInfo:
    """Which model detects from now on; `version` grows with each change, as VisionInfo wants it."""
    return VisionInfo(
        header=header,
        method=f"{source.name} {source.version} {source.precision} ({source.runtime})",
        database_location=f"{source.bundle}#sha256:{source.digest}",
        database_version=version,
    )


def _detection(box: np.ndarray, score: float, class_id: int, header: Header) -> Detection2D:
    x1, y1, x2, y2 = (float(value) for value in box)
    bounding_box = BoundingBox2D(size_x=x2 - x1, size_y=y2 - y1)
    bounding_box.center.position.x, bounding_box.center.position.y = (x1 + x2) / 2, (y1 + y2) / 2
    hypothesis = ObjectHypothesis(class_id=str(class_id), score=score)
    return Detection2D(
        header=header, bbox=bounding_box, results=[ObjectHypothesisWithPose(hypothesis=hypothesis)]
    )


def _row(item: Detection2D) -> tuple[tuple[float, ...], float, int] | None:
    """Corners, score and class of a detection; None for a malformed one."""
    if not item.results:
        return None
    best = max((result.hypothesis for result in item.results), key=lambda hypothesis: hypothesis.score)
    corners = _corners(item.bbox)
    if not _CLASS_ID.fullmatch(best.class_id) or item.bbox.size_x < 0 or item.bbox.size_y < 0:
        return None
    # Written so that NaN is too large.
    if not all(abs(value) <= _NUMBER_MAX for value in (*corners, best.score)):
        return None
    return corners, best.score, int(best.class_id)


def _corners(box: BoundingBox2D) -> tuple[float, float, float, float]:
    x, y = box.center.position.x, box.center.position.y
    return (x - box.size_x / 2, y - box.size_y / 2, x + box.size_x / 2, y + box.size_y / 2)
