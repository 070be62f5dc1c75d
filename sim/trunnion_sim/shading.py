"""Shadows from the height map: for a camera that looks down they cost a millisecond, a shadow map costs thirty."""

from __future__ import annotations

import cv2
import numpy as np

REACH_STEPS_PX = (1, 2, 3, 4, 6, 8, 11, 15, 20, 27)
BIAS_M = 0.002


def cast_shadows(
    heights_m: np.ndarray, toward_light_px: tuple[float, float], rise_m_per_px: float
) -> np.ndarray:
    """How much each pixel is hidden from the light, float32 [h, w] in 0..1, with a soft edge.

    Args:
        heights_m: float32 [h, w], height of what each pixel shows.
        toward_light_px: unit vector in the picture (right, down) towards the light.
        rise_m_per_px: how much the light's ray rises over one pixel of ground.
    """
    shadow = np.zeros(heights_m.shape, np.float32)
    for step in REACH_STEPS_PX:
        right, down = (round(step * part) for part in toward_light_px)
        over = _shifted(heights_m, right, down) - heights_m
        np.maximum(shadow, (over > step * rise_m_per_px + BIAS_M).astype(np.float32), out=shadow)
    return cv2.GaussianBlur(shadow, (0, 0), 0.8)


def occlusion(heights_m: np.ndarray, radius_px: float = 5.0, depth_m: float = 0.05) -> np.ndarray:
    """How deep each pixel lies among its surroundings, float32 [h, w] in 0..1 (unsharp mask of the heights)."""
    limited = np.clip(heights_m, -0.02, 0.5)
    around = cv2.GaussianBlur(limited, (0, 0), radius_px)
    return np.clip((around - limited) / depth_m, 0, 1).astype(np.float32)


def _shifted(values: np.ndarray, right: int, down: int) -> np.ndarray:
    """`values` looked up `right` and `down` pixels further on; beyond the edge the edge repeats."""
    height, width = values.shape
    rows = np.clip(np.arange(height) + down, 0, height - 1)
    columns = np.clip(np.arange(width) + right, 0, width - 1)
    return values[rows][:, columns]
