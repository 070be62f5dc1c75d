"""What a real camera does to a picture: defocus, exposure, noise and compression, in this order."""

from __future__ import annotations

import cv2
import numpy as np

from trunnion_contract.errors import Broken
from trunnion_sim.conditions import Conditions


def sensed(image_bgr: np.ndarray, conditions: Conditions, rng: np.random.Generator) -> np.ndarray:
    """What arrives of uint8 [h, w, 3] from a camera under these conditions."""
    image = exposed(blurred(image_bgr, conditions.blur_px), conditions.exposure_stops)
    return compressed(noisy(image, conditions.noise, rng), conditions.jpeg_compression)


def exposed(image_bgr: np.ndarray, stops: float) -> np.ndarray:
    """Expose 2 ** `stops` times as long; what is too bright for the sensor saturates. 0 leaves the picture as it is."""
    return cv2.convertScaleAbs(image_bgr, alpha=2.0**stops) if stops else image_bgr


def compressed(image_bgr: np.ndarray, compression: int) -> np.ndarray:
    """Through JPEG of quality 100 - `compression` and back; 0 leaves the picture as it is.

    Raises:
        Broken: OpenCV cannot write JPEG.
    """
    if not compression:
        return image_bgr
    done, data = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 100 - compression])
    if not done:
        raise Broken(
            where="compressing a frame",
            got="no JPEG from OpenCV",
            wanted="an OpenCV with JPEG",
            next_step="install opencv-python again",
        )
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def blurred(image_bgr: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian defocus of uint8 [h, w, 3]; 0 leaves the picture as it is."""
    return cv2.GaussianBlur(image_bgr, (0, 0), sigma_px) if sigma_px > 0 else image_bgr


def noisy(image_bgr: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise of `sigma` grey levels to uint8 [h, w, 3]; 0 leaves the picture as it is."""
    if sigma <= 0:
        return image_bgr
    noise = rng.standard_normal(image_bgr.shape, np.float32) * np.float32(sigma)
    return np.clip(image_bgr + noise + 0.5, 0, 255).astype(np.uint8)
