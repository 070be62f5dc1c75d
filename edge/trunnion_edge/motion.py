"""Straight-line motion to a point."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.cell import MotionLimits

# Half of the braking that the limits allow, and not all of the speed: the rest is for an arm that lags.
_BRAKING_SHARE = 0.5
_SPEED_SHARE = 0.8


def toward(
    position_base_m: ArrayLike, goal_base_m: ArrayLike, limits: MotionLimits, gain_per_s: float = 4.0
) -> NDArray[np.float64]:
    """Velocity [3] in `base` from `position_base_m` [3] straight to `goal_base_m` [3], in m/s.

    Proportional near the goal; farther away as fast as can be braked in time.
    """
    way = np.asarray(goal_base_m, np.float64) - np.asarray(position_base_m, np.float64)
    distance_m = float(np.linalg.norm(way))
    if distance_m < 1e-9:
        return np.zeros(3)
    braking_mps2 = limits.acceleration_max_mps2 * _BRAKING_SHARE
    speed_mps = min(
        limits.speed_max_mps * _SPEED_SHARE, gain_per_s * distance_m, math.sqrt(2 * braking_mps2 * distance_m)
    )
    return way * (speed_mps / distance_m)
