"""What the executive tells the arm, and what it hears from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from trunnion_contract.cell import Point


class Mode(IntEnum):
    """What the policy node does; the numbers are those of trunnion_interfaces/PolicyGoal."""

    HOLD = 0
    MOVE = 1
    POLICY = 2


@dataclass(frozen=True)
class RobotState:
    """The arm as it was measured at `stamp_s`."""

    stamp_s: float
    gripper_base_m: Point
    opening_m: float
    grasped: bool


@dataclass(frozen=True)
class Goal:
    """What the arm shall do until the next goal.

    MOVE goes straight to `target_base_m` with the gripper at `opening_m`; POLICY takes the part at `target_base_m` to
    `place_base_m`, and decides about the gripper itself; HOLD stands still with the gripper as it is.
    """

    mode: Mode
    target_base_m: Point
    place_base_m: Point
    opening_m: float
