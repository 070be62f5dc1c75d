"""Detections as vision_msgs 4 carries them, found by the stamp of the image that they are of."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

from trunnion_training.sources.export import Corners, turned

# The fields of vision_msgs 4.1, for recordings that do not hold the definitions themselves.
VISION_MSGS = {
    "vision_msgs/msg/Point2D": "float64 x\nfloat64 y",
    "vision_msgs/msg/Pose2D": "vision_msgs/Point2D position\nfloat64 theta",
    "vision_msgs/msg/BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y",
    "vision_msgs/msg/ObjectHypothesis": "string class_id\nfloat64 score",
    "vision_msgs/msg/ObjectHypothesisWithPose": (
        "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose"
    ),
    "vision_msgs/msg/Detection2D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox2D bbox\nstring id"
    ),
    "vision_msgs/msg/Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections",
}


class Detections:
    """The detections of a recording, by stamp."""

    def __init__(self, differ_max_ns: int) -> None:
        self._differ_max_ns = differ_max_ns
        self._stamps_ns: list[int] = []
        self._objects: dict[int, list[tuple[Corners, str]]] = {}

    def add(self, stamp_ns: int, detections: Sequence[Any]) -> None:
        """Add what was detected in the image of `stamp_ns`: messages of vision_msgs/Detection2D."""
        if stamp_ns not in self._objects:
            bisect.insort(self._stamps_ns, stamp_ns)
        self._objects[stamp_ns] = [(_corners(item.bbox), _label(item.results)) for item in detections]

    def at(self, stamp_ns: int) -> list[tuple[Corners, str]] | None:
        """What was detected in the image of `stamp_ns`; None where no detections are near enough."""
        place = bisect.bisect_left(self._stamps_ns, stamp_ns)
        near = self._stamps_ns[max(0, place - 1) : place + 1]
        best = min(near, key=lambda stamp: abs(stamp - stamp_ns), default=None)
        if best is None or abs(best - stamp_ns) > self._differ_max_ns:
            return None
        return self._objects[best]


def _corners(box: Any) -> Corners:
    center = box.center.position
    half_x, half_y = box.size_x / 2, box.size_y / 2
    upright = (center.x - half_x, center.y - half_y, center.x + half_x, center.y + half_y)
    return turned(upright, math.degrees(box.center.theta), (center.x, center.y))


def _label(results: Sequence[Any]) -> str:
    best = max((result.hypothesis for result in results), key=lambda item: item.score, default=None)
    return str(best.class_id) if best else ""
