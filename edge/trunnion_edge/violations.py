"""Violations of the limits, measured on how the arm really moved; knows nothing of the limiter."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from trunnion_contract.cell import MotionLimits

# The arm's own error while it does as it is told.
POSITION_TOLERANCE_M = 1e-3
SPEED_TOLERANCE = 0.05


class ViolationMeter:
    """Looks at positions over time and counts each excursion once, from when it begins until it ends.

    Args:
        limits: the bounds.
        position_tolerance_m: how far outside the workspace a measured position may be.
        speed_tolerance: share by which a measured speed may exceed the bound.

    Attributes:
        workspace: excursions out of the workspace; a position that is not finite is outside.
        speed: excursions above the speed.
        farthest_outside_m: largest distance outside the workspace.
        fastest_mps: largest speed between two samples.
    """

    def __init__(
        self,
        limits: MotionLimits,
        position_tolerance_m: float = POSITION_TOLERANCE_M,
        speed_tolerance: float = SPEED_TOLERANCE,
    ) -> None:
        self._low, self._high = limits.workspace_low_base_m, limits.workspace_high_base_m
        self._position_tolerance_m = position_tolerance_m
        self._speed_max_mps = limits.speed_max_mps * (1 + speed_tolerance)
        self._last: tuple[list[float], float] | None = None
        self._is_outside = self._is_fast = False
        self.workspace = 0
        self.speed = 0
        self.farthest_outside_m = 0.0
        self.fastest_mps = 0.0

    @property
    def total(self) -> int:
        """Excursions of either kind."""
        return self.workspace + self.speed

    def observe(self, position_base_m: ArrayLike, now_s: float) -> None:
        """Take the position [3] of the gripper at `now_s`."""
        position = np.asarray(position_base_m, np.float64).tolist()
        is_known = all(map(math.isfinite, position))
        self._look_at_place(position, is_known)
        self._look_at_speed(position, is_known, now_s)

    def _look_at_place(self, position: list[float], is_known: bool) -> None:
        sides = zip(self._low, position, self._high, strict=True)
        outside_m = max(max(low - here, here - high) for low, here, high in sides)
        is_outside = not (is_known and outside_m <= self._position_tolerance_m)
        self.workspace += is_outside and not self._is_outside
        self._is_outside = is_outside
        if is_known:
            self.farthest_outside_m = max(self.farthest_outside_m, outside_m)

    def _look_at_speed(self, position: list[float], is_known: bool, now_s: float) -> None:
        last, self._last = self._last, (position, now_s) if is_known else None
        if last is None or self._last is None or not now_s > last[1]:
            return
        speed_mps = math.dist(position, last[0]) / (now_s - last[1])
        is_fast = speed_mps > self._speed_max_mps
        self.speed += is_fast and not self._is_fast
        self._is_fast = is_fast
        self.fastest_mps = max(self.fastest_mps, speed_mps)
