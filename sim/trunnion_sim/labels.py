"""Boxes from the renderer's own knowledge of which body stands behind each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from trunnion_sim.camera import CellCamera
from trunnion_sim.part_meshes import SHAPES
from trunnion_sim.parts import Part
from trunnion_sim.renderer import Picture

VISIBLE_MIN = 0.35
SIDE_MIN_PX = 4.0


@dataclass(frozen=True)
class Label:
    """A visible part: its class, its box x1 y1 x2 y2 in pixels of the picture, and the share of it that is seen."""

    label: str
    box_px: tuple[float, float, float, float]
    visible: float


def label_parts(
    picture: Picture,
    camera: CellCamera,
    parts: Sequence[Part],
    supersampling: int,
    visible_min: float = VISIBLE_MIN,
) -> list[Label]:
    """Label the parts that are seen well enough; boxes are tight around what is seen."""
    labels = []
    for part in parts:
        rows, columns = np.nonzero(picture.mask(part.body))
        if not len(rows):
            continue
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / supersampling
        visible = len(rows) / max(_silhouette_px(camera, part), 1.0)
        if visible >= visible_min and min(box[2:] - box[:2]) >= SIDE_MIN_PX:
            x1, y1, x2, y2 = (float(value) for value in box)
            labels.append(Label(part.kind.label, (x1, y1, x2, y2), min(visible, 1.0)))
    return labels


_OUTLINES = {label: shape().vertices_m for label, shape in SHAPES.items()}


def _silhouette_px(camera: CellCamera, part: Part) -> float:
    """The area, in fine pixels, that the part would cover if nothing stood before it (holes counted in)."""
    points = _OUTLINES[part.kind.label] @ part.rotation_base().T + part.position_base_m()
    return float(cv2.contourArea(cv2.convexHull(camera.pinhole.project(points).astype(np.float32))))
