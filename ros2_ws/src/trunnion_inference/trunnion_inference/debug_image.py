"""The picture with what was seen in it, for people."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from trunnion_edge.decode import Detections
from trunnion_edge.masks import Patch

# BGR, told apart also by those who do not see red against green; a class keeps its colour.
COLOURS = (
    (0, 159, 230),
    (233, 180, 86),
    (115, 158, 0),
    (66, 228, 240),
    (178, 114, 0),
    (0, 94, 213),
    (167, 121, 204),
)
_MASK_SHARE = 0.4
_VISIBLE = 0.5
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4


def with_boxes(image_bgr: np.ndarray, detections: Detections, labels: Sequence[str]) -> np.ndarray:
    """A copy of uint8 [h, w, 3] BGR with box, class and score of each detection, and its mask or visible keypoints."""
    drawn = image_bgr.copy()
    for index in reversed(range(len(detections))):
        _draw(drawn, detections, index, labels)
    return drawn


def _draw(drawn: np.ndarray, detections: Detections, index: int, labels: Sequence[str]) -> None:
    class_id = int(detections.class_ids[index])
    left, top, right, bottom = (round(float(value)) for value in detections.boxes_px[index])
    colour = COLOURS[class_id % len(COLOURS)]
    if detections.masks is not None:
        _tint(drawn, detections.masks.patch(index), colour)
    if detections.keypoints is not None:
        _dot(drawn, detections.keypoints[index], colour)
    cv2.rectangle(drawn, (left, top), (right, bottom), colour, 1)
    text = f"{labels[class_id]} {detections.scores[index]:.2f}"
    cv2.putText(drawn, text, (left, max(10, top - 3)), _FONT, _FONT_SCALE, colour, 1, cv2.LINE_AA)


def _tint(drawn: np.ndarray, patch: Patch, colour: tuple[int, int, int]) -> None:
    rows, columns = patch.inside.shape
    part = drawn[patch.top : patch.top + rows, patch.left : patch.left + columns]
    tinted = (1 - _MASK_SHARE) * part[patch.inside] + _MASK_SHARE * np.array(colour)
    part[patch.inside] = tinted.astype(np.uint8)


def _dot(drawn: np.ndarray, keypoints: np.ndarray, colour: tuple[int, int, int]) -> None:
    height, width = drawn.shape[:2]
    for x, y, visibility in keypoints:
        if visibility >= _VISIBLE and 0 <= x < width and 0 <= y < height:
            cv2.circle(drawn, (int(x), int(y)), 2, colour, -1, cv2.LINE_AA)
