"""What stands between whatever commands the arm and the arm itself; in doubt the arm holds.

The limiter keeps one promise: from where the arm is, braking in a straight line stops it inside the workspace.
A velocity that would break the promise is never sent, so braking, which keeps it, is always possible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.cell import MotionLimits

Vector = NDArray[np.float64]
# On three numbers, Python's own arithmetic takes a third of the time of arrays, and gives the same bits.
Three = tuple[float, float, float]
Gaps = list[tuple[float, float]]
_STILL: Three = (0.0, 0.0, 0.0)

# Below these, what was commanded and what is sent are the same to an arm.
_SAME_VELOCITY_MPS = 1e-3
_SAME_OPENING_M = 1e-4
# A clipped component stays this share inside its bound, so that rounding never puts it outside.
_INSIDE = 1 - 1e-9
_BISECTIONS = 12


@dataclass(frozen=True)
class SafeMotion:
    """What may be sent to the arm.

    Attributes:
        velocity_base_mps: float64 [3]; while holding, the arm brakes as hard as it may, down to zero.
        opening_m: width the gripper is told; while holding, the last one it was told.
        hold_reason: why the arm holds, or None.
    """

    velocity_base_mps: Vector
    opening_m: float
    hold_reason: str | None = None


class Limiter:
    """Bounds speed, acceleration, workspace, gripper opening and the age of what a command rests on.

    Args:
        limits: the bounds.
        reaction_s: how long the arm goes on with the last velocity before it follows a new one.

    Attributes:
        interventions: commands that were changed, holds included.
        holds: commands that were replaced by a hold.
    """

    def __init__(self, limits: MotionLimits, reaction_s: float = 0.0) -> None:
        self._limits = limits
        self._low, self._high = limits.workspace_low_base_m, limits.workspace_high_base_m
        self._reaction_s = reaction_s
        self._velocity = _STILL
        self._opening_m = limits.opening_max_m
        self.interventions = 0
        self.holds = 0

    def limit(
        self,
        velocity_base_mps: ArrayLike,
        opening_m: float,
        *,
        position_base_m: ArrayLike,
        dt_s: float,
        state_age_ms: float = 0.0,
    ) -> SafeMotion:
        """The nearest safe motion to a command.

        Args:
            velocity_base_mps: [3], commanded.
            opening_m: commanded width between the fingers.
            position_base_m: [3], where the gripper was measured.
            dt_s: how long this command stands until the next one.
            state_age_ms: how old that measurement is.
        """
        velocity, position = _three(velocity_base_mps), _three(position_base_m)
        if velocity is None or not math.isfinite(opening_m):
            return self.hold("the command is not finite", dt_s)
        if position is None:
            return self.hold("the position of the arm is not finite", dt_s)
        if reason := self._why_hold(dt_s, state_age_ms):
            return self.hold(reason, dt_s)
        gaps = self._gaps(position, self._reaction_s + max(state_age_ms, 0.0) / 1000)
        safe = self._within_acceleration(
            self._within_walls(self._within_speed(velocity), gaps, dt_s), gaps, dt_s
        )
        opening = min(max(float(opening_m), 0.0), self._limits.opening_max_m)
        changed = math.hypot(*_from(velocity, safe)) > _SAME_VELOCITY_MPS
        changed |= abs(opening - opening_m) > _SAME_OPENING_M
        self.interventions += changed
        self._velocity, self._opening_m = safe, opening
        return SafeMotion(np.array(safe), opening)

    def hold(self, reason: str, dt_s: float) -> SafeMotion:
        """Brake to a stop; the gripper keeps what it was told last."""
        # Without a sound period nothing is known of how fast braking may be: stop.
        return self._holding(self._braked(dt_s) if math.isfinite(dt_s) and dt_s > 0 else _STILL, reason)

    def stop(self, reason: str) -> SafeMotion:
        """Zero at once, and leave the braking to the arm; the gripper keeps what it was told last."""
        return self._holding(_STILL, reason)

    def reset(self) -> None:
        """Start from rest with the gripper open; the counts go on."""
        self._velocity, self._opening_m = _STILL, self._limits.opening_max_m

    def _holding(self, velocity: Three, reason: str) -> SafeMotion:
        self.interventions += 1
        self.holds += 1
        self._velocity = velocity
        return SafeMotion(np.array(velocity), self._opening_m, reason)

    def _why_hold(self, dt_s: float, state_age_ms: float) -> str | None:
        if not (math.isfinite(dt_s) and dt_s > 0):
            return "the clock did not advance"
        # Written so that NaN holds; an age far below zero is a clock that cannot be trusted.
        if not abs(state_age_ms) <= self._limits.observation_age_max_ms:
            return f"the state of the arm is {state_age_ms:.0f} ms old"
        return None

    def _gaps(self, position: Three, delay_s: float) -> Gaps:
        """Free way towards the low and the high wall along each axis, from wherever the arm may be by now."""
        now = _plus(position, self._velocity, delay_s)
        return [
            (max(min(one, other) - low, 0.0), max(high - max(one, other), 0.0))
            for one, other, low, high in zip(position, now, self._low, self._high, strict=True)
        ]

    def _within_speed(self, velocity: Three) -> Three:
        speed = math.hypot(*velocity)
        most = self._limits.speed_max_mps
        return _times(velocity, most / speed) if speed > most else velocity

    def _within_walls(self, velocity: Three, gaps: Gaps, dt_s: float) -> Three:
        """Slow down towards a wall, and only towards it, so that the arm slides along it."""
        stopping_s = self._stopping_s(velocity, dt_s)
        x, y, z = [
            min(max(speed, -low / stopping_s * _INSIDE), high / stopping_s * _INSIDE)
            for speed, (low, high) in zip(velocity, gaps, strict=True)
        ]
        return x, y, z

    def _within_acceleration(self, velocity: Three, gaps: Gaps, dt_s: float) -> Three:
        """As near to `velocity` as acceleration allows, on the way from braking, which always keeps the promise."""
        change, most = _from(self._velocity, velocity), self._limits.acceleration_max_mps2 * dt_s
        size = math.hypot(*change)
        reached = _plus(self._velocity, change, most / size) if size > most else velocity
        if self._stops_inside(reached, gaps, dt_s):
            return reached
        safe, share, step = self._braked(dt_s), 0.0, 0.5
        start, way = safe, _from(safe, reached)
        for _ in range(_BISECTIONS):
            candidate = _plus(start, way, share + step)
            if self._stops_inside(candidate, gaps, dt_s):
                safe, share = candidate, share + step
            step /= 2
        return safe

    def _braked(self, dt_s: float) -> Three:
        """The current velocity after braking for `dt_s`."""
        speed = math.hypot(*self._velocity)
        left = speed - self._limits.acceleration_max_mps2 * dt_s
        return _times(self._velocity, left / speed) if left > 0 else _STILL

    def _stops_inside(self, velocity: Three, gaps: Gaps, dt_s: float) -> bool:
        stopping_s = self._stopping_s(velocity, dt_s)
        ways = zip(_times(velocity, stopping_s), gaps, strict=True)
        return all(-low <= way <= high for way, (low, high) in ways)

    def _stopping_s(self, velocity: Three, dt_s: float) -> float:
        """Way over speed of a stop from `velocity`: one period at full speed, then the parabola of braking.

        Periods of any other length brake within that parabola too, because a period moves at its slower end.
        """
        # hypot does not overflow where a sum of squares would.
        return dt_s + math.hypot(*velocity) / (2 * self._limits.acceleration_max_mps2)


def _three(values: ArrayLike) -> Three | None:
    """Three finite numbers; None where it is anything else."""
    vector = np.asarray(values, np.float64)
    if vector.shape != (3,):
        return None
    x, y, z = vector.tolist()
    return (x, y, z) if math.isfinite(x) and math.isfinite(y) and math.isfinite(z) else None


def _from(start: Three, end: Three) -> Three:
    return end[0] - start[0], end[1] - start[1], end[2] - start[2]


def _plus(start: Three, way: Three, share: float) -> Three:
    return start[0] + way[0] * share, start[1] + way[1] * share, start[2] + way[2] * share


def _times(vector: Three, factor: float) -> Three:
    return vector[0] * factor, vector[1] * factor, vector[2] * factor
