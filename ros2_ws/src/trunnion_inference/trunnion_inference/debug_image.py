"""The picture with what was seen in it, for people."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from trunnion_edge.decode import Detections

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
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4


def with_boxes(image_bgr: np.ndarray, detections: Detections, labels: Sequence[str]) -> np.ndarray:
    """A copy of uint8 [h, w, 3] BGR with a box, the class and the score of each detection."""
    drawn = image_bgr.copy()
    rows = zip(detections.boxes_px, detections.scores, detections.class_ids, strict=True)
    for box_px, score, class_id in rows:
        left, top, right, bottom = (round(float(value)) for value in box_px)
        colour = COLOURS[int(class_id) % len(COLOURS)]
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, 1)
        text = f"{labels[int(class_id)]} {score:.2f}"
        cv2.putText(drawn, text, (left, max(10, top - 3)), _FONT, _FONT_SCALE, colour, 1, cv2.LINE_AA)
    return drawn
