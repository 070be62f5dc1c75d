"""Parts on the table as the camera sees them: where they are, and which one to take."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from trunnion_contract.cell import CellLayout, Point, TrayLayout
from trunnion_edge.camera import PinholeCamera
from trunnion_edge.decode import Detections

_POSITION_DIGITS, _CONFIDENCE_DIGITS = 4, 2
# Farther from its neighbours than this, a part is as easy to grasp as one that lies alone.
_ROOM_M = 0.06
_SAME_SPOT_M = 0.015


@dataclass(frozen=True)
class SeenPart:
    """A part, and the point where a gripper would close on it."""

    label: str
    position_base_m: Point
    confidence: float


@dataclass(frozen=True)
class SeenParts:
    """What one frame showed; `stamp_s` is when the frame was taken."""

    stamp_s: float
    parts: tuple[SeenPart, ...]


def locate(
    detections: Detections, labels: Sequence[str], camera: PinholeCamera, cell: CellLayout
) -> tuple[SeenPart, ...]:
    """Boxes → parts: the middle of a box is where the line of sight passes half the height of that class.

    Classes that the cell has no height for, and lines of sight that miss the table, are left out. Positions are on a
    grid of 0.1 mm, finer than a camera tells, and confidences on one of 0.01: the last digit of a pixel or of a runtime
    changes no motion.
    """
    seen = []
    centres = (detections.boxes_px[:, :2] + detections.boxes_px[:, 2:]) / 2
    for centre, score, class_id in zip(centres, detections.scores, detections.class_ids, strict=True):
        label = labels[class_id]
        if label not in cell.part_heights_m:
            continue
        z_base_m = cell.grasp_point_base_m(label, 0, 0)[2]
        x, y, _ = camera.pixel_to_plane(centre[None], z_base_m)[0].tolist()
        if math.isfinite(x) and math.isfinite(y):
            position_base_m = (round(x, _POSITION_DIGITS), round(y, _POSITION_DIGITS), z_base_m)
            seen.append(SeenPart(label, position_base_m, round(float(score), _CONFIDENCE_DIGITS)))
    return tuple(seen)


def in_tray(part: SeenPart, tray: TrayLayout) -> bool:
    """Whether the part lies above the tray."""
    return all(abs(part.position_base_m[i] - tray.center_base_m[i]) <= tray.size_m[i] / 2 for i in (0, 1))


def choose(
    label: str, parts: Collection[SeenPart], tray: TrayLayout, avoid: Collection[Point] = ()
) -> SeenPart | None:
    """The part of that label in the tray to take: not one that was tried in vain, then the freest, then the surest."""
    candidates = [part for part in parts if part.label == label and in_tray(part, tray)]
    return max(
        candidates,
        key=lambda part: (
            not tried(part, avoid),
            min(room_m(part, parts), _ROOM_M),
            part.confidence,
            part.position_base_m,
        ),
        default=None,
    )


def room_m(part: SeenPart, parts: Collection[SeenPart]) -> float:
    """Distance to the nearest other part, from middle to middle."""
    others = (other for other in parts if other is not part)
    return min(
        (_flat_distance_m(part.position_base_m, other.position_base_m) for other in others), default=math.inf
    )


def tried(part: SeenPart, spots: Collection[Point]) -> bool:
    """Whether the part lies where one of `spots` is."""
    return any(_flat_distance_m(part.position_base_m, spot) < _SAME_SPOT_M for spot in spots)


def _flat_distance_m(a: Point, b: Point) -> float:
    return math.dist(a[:2], b[:2])
