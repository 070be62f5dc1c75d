"""What a real sensor does to a picture: defocus and noise."""

from __future__ import annotations

import cv2
import numpy as np


def blurred(image_bgr: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian defocus of uint8 [h, w, 3]; 0 leaves the picture as it is."""
    return cv2.GaussianBlur(image_bgr, (0, 0), sigma_px) if sigma_px > 0 else image_bgr


def noisy(image_bgr: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise of `sigma` grey levels to uint8 [h, w, 3]; 0 leaves the picture as it is."""
    if sigma <= 0:
        return image_bgr
    noise = rng.standard_normal(image_bgr.shape, np.float32) * np.float32(sigma)
    return np.clip(image_bgr + noise + 0.5, 0, 255).astype(np.uint8)
