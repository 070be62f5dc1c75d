"""What the vectors of the tasks hold, in order, with units and ranges; positions are in the table's frame."""

from __future__ import annotations

from trunnion_contract.manifest import Entry

POSITION_MAX_M = 2.0
CUBE_NUMBERS = 12
_SPEED_MAX_MPS = 10.0
_TURNING_MAX_RADPS = 100.0
_PI_RAD = 3.1416  # float32 holds a little more than pi

GOAL = Entry(name="goal_table_m", size=3, unit="m", low=-POSITION_MAX_M, high=POSITION_MAX_M)


def state_entries(*, gripper: bool, cube: bool) -> tuple[Entry, ...]:
    """The hand, the opening where the fingers are controlled, and the cube where there is one."""
    return (*_moving("hand"), *([_OPENING] if gripper else ()), *(_CUBE if cube else ()))


def action_entries(*, gripper: bool) -> tuple[Entry, ...]:
    """In shares of the largest step: 5 cm of the hand, 20 cm of the opening."""
    hand = Entry(name="hand_displacement", size=3, unit="1", low=-1.0, high=1.0)
    return (hand, Entry(name="opening_change", size=1, unit="1", low=-1.0, high=1.0)) if gripper else (hand,)


def _moving(name: str) -> tuple[Entry, Entry]:
    return (
        Entry(name=f"{name}_table_m", size=3, unit="m", low=-POSITION_MAX_M, high=POSITION_MAX_M),
        Entry(name=f"{name}_table_mps", size=3, unit="m/s", low=-_SPEED_MAX_MPS, high=_SPEED_MAX_MPS),
    )


# Fingers that are pressed together, or against their stops, give way a little.
_OPENING = Entry(name="opening_m", size=1, unit="m", low=-0.02, high=0.10)
_WHERE, _SPEED = _moving("cube")
_CUBE = (
    _WHERE,
    Entry(name="cube_roll_pitch_yaw_rad", size=3, unit="rad", low=-_PI_RAD, high=_PI_RAD),
    _SPEED,
    Entry(name="cube_turning_radps", size=3, unit="rad/s", low=-_TURNING_MAX_RADPS, high=_TURNING_MAX_RADPS),
)
