"""Closed-form inverse kinematics of the Panda with its hand pointing straight down.

With joints 3 and 5 at zero the arm lies in one vertical plane: joint 1 turns the plane, joints 2 and 4 place the wrist
in it, joint 6 points the hand down and joint 7 keeps its heading. So the joints are a pure function of the grasp point.
"""

from __future__ import annotations

import math

import numpy as np

SHOULDER_HEIGHT_M = 0.333
UPPER_ARM_M = (0.0825, 0.316)  # out, up: shoulder to elbow
FOREARM_M = (-0.0825, 0.384)  # out, up: elbow to wrist, stretched
WRIST_OFFSET_M = 0.088
WRIST_TO_GRASP_M = 0.107 + 0.105

_UPPER = math.hypot(*UPPER_ARM_M)
_FORE = math.hypot(*FOREARM_M)
_UPPER_LEAN = math.atan2(*UPPER_ARM_M)
_STRETCHED = (
    2 * math.pi - math.atan2(UPPER_ARM_M[1], UPPER_ARM_M[0]) - math.atan2(FOREARM_M[1], -FOREARM_M[0])
)


def arm_joints_rad(grasp_base_m: np.ndarray) -> np.ndarray:
    """The seven joint angles, float64 [7], that bring the grasp point to `grasp_base_m` [3]; fingers open along base y.

    A point out of reach gives the joints of the nearest stretch in its direction.
    """
    q1, q2, q4, q6, q7 = moving_joints_rad(*grasp_base_m.tolist())
    return np.array([q1, q2, 0.0, q4, 0.0, q6, q7])


def moving_joints_rad(x: float, y: float, z: float) -> tuple[float, float, float, float, float]:
    """Joints 1, 2, 4, 6 and 7 of `arm_joints_rad`, for who asks often."""
    turn = math.atan2(y, x)
    out = math.hypot(x, y) - WRIST_OFFSET_M
    up = z + WRIST_TO_GRASP_M - SHOULDER_HEIGHT_M
    reach = min(max(math.hypot(out, up), abs(_UPPER - _FORE) + 1e-4), _UPPER + _FORE - 1e-4)
    at_elbow = math.acos((_UPPER**2 + _FORE**2 - reach**2) / (2 * _UPPER * _FORE))
    at_shoulder = math.acos((_UPPER**2 + reach**2 - _FORE**2) / (2 * _UPPER * reach))
    q2 = math.atan2(out, up) - at_shoulder - _UPPER_LEAN
    q4 = at_elbow - _STRETCHED
    return turn, q2, q4, q2 - q4, math.pi / 4 + turn
