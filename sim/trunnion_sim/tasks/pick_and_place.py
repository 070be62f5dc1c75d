"""`trunnion/PickAndPlace-v0`: take a cube to a point on the table or above it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from trunnion_sim.tasks.goal_env import STEP_MAX_M, Array, GoalEnv, Task
from trunnion_sim.tasks.table_scene import CUBE_M

GAIN = 0.8
# A cube that is carried faster slips out of the fingers.
CARRY_MAX = 0.7
HOVER_M = 0.08
# Above the cube within this the hand comes down; the height to keep grows with the distance, like a funnel.
ALIGNED_M = 0.008
FUNNEL_SLOPE = 4.0
# The cube's middle within this of the point between the fingertips is between the fingers.
BETWEEN_M = 0.015
OPEN_M = 0.075
# How far apart fingers are that hold the cube, into which they press a little and which may be turned; and where it is
# then: each finger is driven by itself, so that both give way along y while they hold.
HELD_M = (0.02, 0.058)
HELD_WITHIN_M = (0.022, 0.04, 0.022)


def expert(vector: Array) -> Array:
    """Over the cube, down, close, and away with it; what comes next follows from where things are."""
    hand_m, opening_m, cube_m, goal_m = vector[:3], float(vector[6]), vector[7:10], vector[-3:]
    way_m = cube_m - hand_m
    if HELD_M[0] < opening_m < HELD_M[1] and (np.abs(way_m) < HELD_WITHIN_M).all():
        return _action(goal_m - cube_m, -1.0, CARRY_MAX)
    if float(np.linalg.norm(way_m)) < BETWEEN_M:
        return _action(way_m, -1.0)
    aside_m = float(np.linalg.norm(way_m[:2]))
    above_m = min(max(FUNNEL_SLOPE * (aside_m - ALIGNED_M), 0.0), HOVER_M)
    return _action(way_m + np.array((0, 0, above_m), np.float32), (OPEN_M - opening_m) * 10)


def _action(way_m: Array, opening: float, displacement_max: float = 1.0) -> Array:
    displacement = np.clip(GAIN * way_m / STEP_MAX_M, -displacement_max, displacement_max)
    return np.array([*displacement, min(max(opening, -1.0), 1.0)], np.float32)


class PickAndPlaceEnv(GoalEnv):
    """A cube of 40 mm and 1 kg to a point; three goals of ten are on the table, the others up to 0.2 m above it.

    State: hand [3], its velocity [3], opening [1], cube [3], its roll, pitch and yaw [3], velocity [3] and turning [3].
    """

    task: ClassVar[Task] = Task(
        cube=True, gripper=True, goal_low_m=(-0.15, -0.15, CUBE_M / 2), goal_high_m=(0.15, 0.15, 0.2 + CUBE_M / 2),
        on_table=0.3, expert=expert,
    )  # fmt: skip
