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
        self._low = np.array(limits.workspace_low_base_m)
        self._high = np.array(limits.workspace_high_base_m)
        self._reaction_s = reaction_s
        self._velocity = np.zeros(3)
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
        velocity, position = (
            np.asarray(velocity_base_mps, np.float64),
            np.asarray(position_base_m, np.float64),
        )
        reason = self._why_hold(velocity, opening_m, position, dt_s, state_age_ms)
        if reason:
            return self.hold(reason, dt_s)
        gaps = self._gaps(position, self._reaction_s + max(state_age_ms, 0.0) / 1000)
        safe = self._within_acceleration(
            self._within_walls(self._within_speed(velocity), gaps, dt_s), gaps, dt_s
        )
        opening = min(max(float(opening_m), 0.0), self._limits.opening_max_m)
        changed = _norm(safe - velocity) > _SAME_VELOCITY_MPS or abs(opening - opening_m) > _SAME_OPENING_M
        self.interventions += changed
        self._velocity, self._opening_m = safe, opening
        return SafeMotion(safe.copy(), opening)

    def hold(self, reason: str, dt_s: float) -> SafeMotion:
        """Brake to a stop; the gripper keeps what it was told last."""
        # Without a sound period nothing is known of how fast braking may be: stop.
        return self._holding(self._braked(dt_s) if math.isfinite(dt_s) and dt_s > 0 else np.zeros(3), reason)

    def stop(self, reason: str) -> SafeMotion:
        """Zero at once, and leave the braking to the arm; the gripper keeps what it was told last."""
        return self._holding(np.zeros(3), reason)

    def reset(self) -> None:
        """Start from rest with the gripper open; the counts go on."""
        self._velocity, self._opening_m = np.zeros(3), self._limits.opening_max_m

    def _holding(self, velocity: Vector, reason: str) -> SafeMotion:
        self.interventions += 1
        self.holds += 1
        self._velocity = velocity
        return SafeMotion(velocity.copy(), self._opening_m, reason)

    def _why_hold(
        self, velocity: Vector, opening_m: float, position: Vector, dt_s: float, state_age_ms: float
    ) -> str | None:
        if velocity.shape != (3,) or not _is_finite(velocity) or not math.isfinite(opening_m):
            return "the command is not finite"
        if position.shape != (3,) or not _is_finite(position):
            return "the position of the arm is not finite"
        if not (math.isfinite(dt_s) and dt_s > 0):
            return "the clock did not advance"
        # Written so that NaN holds; an age far below zero is a clock that cannot be trusted.
        if not abs(state_age_ms) <= self._limits.observation_age_max_ms:
            return f"the state of the arm is {state_age_ms:.0f} ms old"
        return None

    def _gaps(self, position: Vector, delay_s: float) -> tuple[Vector, Vector]:
        """Free way towards the low and the high walls, from wherever the arm may be by now."""
        now = position + self._velocity * delay_s
        low, high = np.minimum(position, now) - self._low, self._high - np.maximum(position, now)
        return np.maximum(low, 0), np.maximum(high, 0)

    def _within_speed(self, velocity: Vector) -> Vector:
        speed = _norm(velocity)
        return (
            velocity * (self._limits.speed_max_mps / speed)
            if speed > self._limits.speed_max_mps
            else velocity
        )

    def _within_walls(self, velocity: Vector, gaps: tuple[Vector, Vector], dt_s: float) -> Vector:
        """Slow down towards a wall, and only towards it, so that the arm slides along it."""
        stopping_s = self._stopping_s(velocity, dt_s)
        low, high = -gaps[0] / stopping_s * _INSIDE, gaps[1] / stopping_s * _INSIDE
        return np.minimum(np.maximum(velocity, low), high)

    def _within_acceleration(self, velocity: Vector, gaps: tuple[Vector, Vector], dt_s: float) -> Vector:
        """As near to `velocity` as acceleration allows, on the way from braking, which always keeps the promise."""
        change, most = velocity - self._velocity, self._limits.acceleration_max_mps2 * dt_s
        size = _norm(change)
        reached = self._velocity + change * (most / size) if size > most else velocity
        if self._stops_inside(reached, gaps, dt_s):
            return reached
        safe, share, step = self._braked(dt_s), 0.0, 0.5
        start = safe
        for _ in range(_BISECTIONS):
            candidate = start + (reached - start) * (share + step)
            if self._stops_inside(candidate, gaps, dt_s):
                safe, share = candidate, share + step
            step /= 2
        return safe

    def _braked(self, dt_s: float) -> Vector:
        """The current velocity after braking for `dt_s`."""
        speed = _norm(self._velocity)
        left = speed - self._limits.acceleration_max_mps2 * dt_s
        return self._velocity * (left / speed) if left > 0 else np.zeros(3)

    def _stops_inside(self, velocity: Vector, gaps: tuple[Vector, Vector], dt_s: float) -> bool:
        way = velocity * self._stopping_s(velocity, dt_s)
        return bool((-gaps[0] <= way).all() and (way <= gaps[1]).all())

    def _stopping_s(self, velocity: Vector, dt_s: float) -> float:
        """Way over speed of a stop from `velocity`: one period at full speed, then the parabola of braking.

        Periods of any other length brake within that parabola too, because a period moves at its slower end.
        """
        return dt_s + _norm(velocity) / (2 * self._limits.acceleration_max_mps2)


def _norm(vector: Vector) -> float:
    # hypot does not overflow where a sum of squares would.
    return math.hypot(*vector.tolist())


def _is_finite(vector: Vector) -> bool:
    return all(map(math.isfinite, vector.tolist()))
