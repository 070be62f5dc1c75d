"""The scripted expert: what to do follows from what is seen now, so that a network without memory can learn it."""

from __future__ import annotations

import numpy as np

SPEED_MAX_MPS = 0.42
GAIN_PER_S = 5.0
OPEN_M = 0.064
# Above the target within this, the fingers come down; the height to keep grows with the distance, like a funnel.
ALIGNED_M = 0.004
FUNNEL_SLOPE = 3.5
HOVER_M = 0.05
# Nearer to the target than this the fingers close; over the ramp they do so in part.
GRASP_M = 0.006
# Fingers that have begun to close go on, even when the hand is pushed this far aside: opening would lose the part.
FIRM_M = 0.02
RAMP_M = 0.006
# The fingers open little by little on the way to the place. The part is free before the way ends, whatever its width,
# and a network that copies this sees the ramp for many steps, where it would see a sudden release for one.
RELEASE_M = 0.015
RELEASE_RAMP_M = 0.04
# Sideways motion waits until a held part, or an empty hand, is this near to the height it should keep.
CLEAR_M = 0.05
# A hand that has just let go waits over the bin until it is open this far.
LET_GO_M = 0.056


def expert_action(observation: np.ndarray) -> np.ndarray:
    """The action for an observation of `trunnion/SortingCell-v0`; both in SI, float32 [11] to float32 [4]."""
    gripper, opening, grasped = observation[0:3], float(observation[3]), observation[4] > 0.5
    target, place = observation[5:8], observation[8:11]
    action = _carry(gripper, place) if grasped else _fetch(gripper, opening, target, place)
    return action.astype(np.float32)


def _fetch(gripper: np.ndarray, opening_m: float, target: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Go over the target, come down on it, close."""
    distance_m = float(np.linalg.norm(target - gripper))
    closing = _closing(distance_m, opening_m)
    aside_m = float(np.linalg.norm(target[:2] - gripper[:2]))
    funnel_m = _between((aside_m - ALIGNED_M) * FUNNEL_SLOPE, 0.0, HOVER_M)
    way = np.array([*(target[:2] - gripper[:2]), target[2] + (1 - closing) * funnel_m - gripper[2]])
    way[:2] *= _between(1.5 - way[2] / (CLEAR_M / 2), 0.0, 1.0)
    opening = OPEN_M * _between((distance_m - GRASP_M - closing * FIRM_M) / RAMP_M, 0.0, 1.0)
    return np.array([*(_speed(way) * _waiting(gripper, opening_m, place)), opening])


def _closing(distance_m: float, opening_m: float) -> float:
    """Whether the fingers have begun to close on the target, 0 to 1: seen from how far they are open, near to it."""
    begun = _between((OPEN_M - 0.002 - opening_m) / 0.01, 0.0, 1.0)
    return begun * _between((2 * FIRM_M - distance_m) / FIRM_M, 0.0, 1.0)


def _carry(gripper: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Lift, go over the place, open."""
    way = place - gripper
    way[:2] *= _between(1.5 - way[2] / (CLEAR_M / 2), 0.0, 1.0)
    distance_m = float(np.linalg.norm(place - gripper))
    opening = OPEN_M * _between(1 - (distance_m - RELEASE_M) / RELEASE_RAMP_M, 0.0, 1.0)
    return np.array([*_speed(way), opening])


def _waiting(gripper: np.ndarray, opening_m: float, place: np.ndarray) -> float:
    """How much of its speed an empty hand keeps: none over the place while the fingers still let go."""
    away = _between((float(np.linalg.norm(place - gripper)) - RELEASE_M - RELEASE_RAMP_M) / 0.02, 0.0, 1.0)
    is_open = _between((opening_m - LET_GO_M) / 0.004, 0.0, 1.0)
    return max(away, is_open)


def _speed(way: np.ndarray) -> np.ndarray:
    """Velocity along `way`: proportional to its length, up to the highest speed."""
    length_m = float(np.linalg.norm(way))
    return way * min(GAIN_PER_S, SPEED_MAX_MPS / max(length_m, 1e-9))


def _between(value: float, low: float, high: float) -> float:
    return min(max(float(value), low), high)
