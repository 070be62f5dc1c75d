"""Whether a parallel gripper holds something, told from its width alone."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class GraspSettings:
    """When a gripper counts as holding a part.

    Attributes:
        squeeze_m: how far below the measured width the commanded one must be.
        opening_min_m: fingers that are closer than this have nothing between them.
        still_m: movement up to this counts as standing still.
        stall_s: how long the fingers must stand still although they are told to close. Longer than it takes
            fingers to start moving, or a gripper that is about to close would count as holding.
    """

    squeeze_m: float = 0.002
    opening_min_m: float = 0.004
    still_m: float = 0.0005
    stall_s: float = 0.15


class GraspDetector:
    """Grasped: told to close, stalled, and wider than nothing. Lost: told to open, or closed all the way."""

    def __init__(self, settings: GraspSettings | None = None) -> None:
        self._settings = settings or GraspSettings()
        self._still: tuple[float, float] | None = None
        self._grasped = False

    def update(self, commanded_opening_m: float, opening_m: float, now_s: float) -> bool:
        """Take what the gripper is told and how wide it is at `now_s`; return whether it holds a part."""
        if not self._squeezes(commanded_opening_m, opening_m):
            self.reset()
            return False
        if self._still is None or abs(opening_m - self._still[0]) > self._settings.still_m:
            self._still = (opening_m, now_s)
        # A part that gives way a little is still held, so only squeezing decides once it is grasped.
        # The nanosecond keeps a sum of periods from missing its own multiple by rounding.
        self._grasped = self._grasped or now_s - self._still[1] >= self._settings.stall_s - 1e-9
        return self._grasped

    def reset(self) -> None:
        """Forget what was seen, as when the gripper is opened."""
        self._still, self._grasped = None, False

    def _squeezes(self, commanded_opening_m: float, opening_m: float) -> bool:
        return (
            math.isfinite(commanded_opening_m)
            and math.isfinite(opening_m)
            and opening_m > self._settings.opening_min_m
            and opening_m - commanded_opening_m > self._settings.squeeze_m
        )
