"""What a renderer is told, from where and in which light to draw, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class View:
    """A pinhole camera with square pixels whose optical axis goes through the middle of the picture."""

    position_m: tuple[float, float, float]
    look_at_m: tuple[float, float, float]
    up: tuple[float, float, float]
    vertical_field_of_view_deg: float
    near_m: float
    far_m: float
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Light:
    """One directional light and the surroundings' share; `toward_base` points from the scene to the light."""

    toward_base: tuple[float, float, float] = (-0.35, 0.45, 1.0)
    colour: tuple[float, float, float] = (1.0, 0.98, 0.95)
    ambient: float = 0.52
    diffuse: float = 0.52
    specular: float = 0.25


@dataclass(frozen=True)
class Frame:
    """What the renderer gives for one picture.

    Attributes:
        rgba: uint8 [h, w, 4].
        depth: float32 [h, w] in 0..1, the depth buffer; nearer is less, and 1 is nothing there.
        bodies: int32 [h, w], the body each pixel shows, -1 for none.
    """

    rgba: np.ndarray
    depth: np.ndarray
    bodies: np.ndarray
