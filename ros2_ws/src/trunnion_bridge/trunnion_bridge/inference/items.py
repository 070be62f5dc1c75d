"""From what the edge runtime found to what the API says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

from trunnion_bridge.inference.models import InferredDetection, Keypoint, Mask
from trunnion_bridge.inference.pool import Found
from trunnion_contract.detector_spec import DetectorSpec


def items_of(found: Found, spec: DetectorSpec) -> list[InferredDetection]:
    """Each detection in the words of the API, the surest first."""
    seen = found.detections
    points = repeat(None) if seen.keypoints is None else seen.keypoints.tolist()
    masks: Iterable[list[int] | None] = repeat(None) if found.masks is None else found.masks
    rows = zip(
        seen.boxes_px.tolist(), seen.scores.tolist(), seen.class_ids.tolist(), masks, points, strict=False
    )
    return [
        InferredDetection(
            label=spec.labels[class_id],
            score=round(score, 3),
            box_px=(round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1)),
            mask=None if counts is None else Mask(size=(found.height_px, found.width_px), counts=counts),
            keypoints=None if points_of_it is None else _keypoints(points_of_it, spec),
        )
        for (x1, y1, x2, y2), score, class_id, counts, points_of_it in rows
    ]


def _keypoints(points: Sequence[tuple[float, float, float]], spec: DetectorSpec) -> list[Keypoint]:
    names = spec.keypoints.names if spec.keypoints else ()
    return [
        Keypoint(name=name, x_px=round(x, 1), y_px=round(y, 1), visibility=round(visibility, 3))
        for name, (x, y, visibility) in zip(names, points, strict=True)
    ]
