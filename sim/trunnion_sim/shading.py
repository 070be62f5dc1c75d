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
    reach = REACH_STEPS_PX[-1]
    around = cv2.copyMakeBorder(heights_m, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    height, width = heights_m.shape
    shadow = np.zeros(heights_m.shape, bool)
    for step in REACH_STEPS_PX:
        right, down = (reach + round(step * part) for part in toward_light_px)
        towards_light = around[down : down + height, right : right + width]
        shadow |= towards_light > heights_m + np.float32(step * rise_m_per_px + BIAS_M)
    return cv2.GaussianBlur(shadow.astype(np.float32), (0, 0), 0.8)


def occlusion(heights_m: np.ndarray, radius_px: float = 5.0, depth_m: float = 0.05) -> np.ndarray:
    """How deep each pixel lies among its surroundings, float32 [h, w] in 0..1 (unsharp mask of the heights)."""
    limited = np.clip(heights_m, np.float32(-0.02), np.float32(0.5))
    around = cv2.GaussianBlur(limited, (0, 0), radius_px)
    return np.clip((around - limited) * np.float32(1 / depth_m), 0, 1)
