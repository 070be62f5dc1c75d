"""The last command that an arm was given, and how long it stands."""

from __future__ import annotations

import numpy as np


class Command:
    """Velocity of the grasp point and width of the gripper; without a new velocity in time the arm stands still.

    Args:
        opening_m: width until another is commanded.
        timeout_s: how long a velocity stands.
    """

    def __init__(self, opening_m: float, timeout_s: float) -> None:
        self.opening_m = opening_m
        self._timeout_s = timeout_s
        self._velocity_base_mps = np.zeros(3)
        self._told_s = -np.inf

    def tell(self, velocity_base_mps: tuple[float, float, float], now_s: float) -> None:
        """Take a velocity; one that is not finite means standing still."""
        velocity = np.array(velocity_base_mps, np.float64)
        self._velocity_base_mps = velocity if np.isfinite(velocity).all() else np.zeros(3)
        self._told_s = now_s

    def holds(self, now_s: float) -> bool:
        """Whether the last velocity no longer stands."""
        return now_s - self._told_s > self._timeout_s

    def velocity_base_mps(self, now_s: float) -> np.ndarray:
        """What the arm shall do now, float64 [3]."""
        return np.zeros(3) if self.holds(now_s) else self._velocity_base_mps
