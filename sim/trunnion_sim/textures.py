"""Procedural surface patterns, laid on the table and the tray in base coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

TILE_PX = 256


@dataclass(frozen=True)
class Texture:
    """A pattern: `strength` 0 is a plain surface, `scale_m` is the side of one tile."""

    pattern: str = "plain"
    strength: float = 0.0
    scale_m: float = 0.5
    seed: int = 0

    def brightness(self, points_base_m: np.ndarray) -> np.ndarray:
        """What to multiply the surface's colour by, around 1, at points float32 [h, w, 2]; float32 [h, w]."""
        if self.pattern == "plain" or self.strength == 0:
            return np.ones(points_base_m.shape[:2], np.float32)
        tile = PATTERNS[self.pattern](np.random.default_rng(self.seed))
        place = np.ascontiguousarray(points_base_m / np.float32(self.scale_m) * TILE_PX)
        wave = cv2.remap(tile, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        return (1 + self.strength * wave).astype(np.float32)


def _grain(rng: np.random.Generator) -> np.ndarray:
    """Fine irregular speckles over soft clouds."""
    return (0.5 * _clouds(rng) + 0.5 * _noise(rng, TILE_PX, TILE_PX)).astype(np.float32)


def _clouds(rng: np.random.Generator) -> np.ndarray:
    octaves = [_noise(rng, 4 << n, 4 << n) / (1 << n) for n in range(4)]
    return (sum(octaves) / 1.2).astype(np.float32)


def _brushed(rng: np.random.Generator) -> np.ndarray:
    """Long thin strokes, as on brushed metal or wood."""
    return (0.6 * _noise(rng, TILE_PX, 6) + 0.4 * _noise(rng, TILE_PX // 4, 3)).astype(np.float32)


def _checks(rng: np.random.Generator) -> np.ndarray:
    squares = np.indices((8, 8)).sum(axis=0) % 2 * 2.0 - 1
    return _enlarged(squares * rng.uniform(0.5, 1), cv2.INTER_NEAREST)


def _perforated(rng: np.random.Generator) -> np.ndarray:
    """A grid of dark holes, as on a bench plate."""
    tile = np.full((TILE_PX, TILE_PX), 0.1, np.float32)
    for x in range(16, TILE_PX, 32):
        for y in range(16, TILE_PX, 32):
            cv2.circle(tile, (x, y), int(rng.integers(4, 7)), -1.0, -1, cv2.LINE_AA)
    return tile


def _stripes(rng: np.random.Generator) -> np.ndarray:
    return np.tile(np.repeat(rng.uniform(-1, 1, 16), TILE_PX // 16), (TILE_PX, 1)).astype(np.float32)


PATTERNS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "grain": _grain,
    "clouds": _clouds,
    "brushed": _brushed,
    "checks": _checks,
    "perforated": _perforated,
    "stripes": _stripes,
}


def _noise(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return _enlarged(rng.uniform(-1, 1, (rows, columns)), cv2.INTER_CUBIC)


def _enlarged(values: np.ndarray, interpolation: int) -> np.ndarray:
    """Blow a small array up to a tile that continues itself: it is enlarged three by three, and the middle is taken."""
    around = np.tile(values.astype(np.float32), (3, 3))
    large = cv2.resize(around, (3 * TILE_PX, 3 * TILE_PX), interpolation=interpolation)
    return np.ascontiguousarray(large[TILE_PX : 2 * TILE_PX, TILE_PX : 2 * TILE_PX])
