"""`trunnion/Push-v0`: push a cube over the table to a point."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from trunnion_sim.tasks.goal_env import STEP_MAX_M, Array, GoalEnv, Task
from trunnion_sim.tasks.table_scene import CUBE_M

GAIN = 0.7
# From the cube's middle to where the closed fingers come down behind it.
BEHIND_M = 0.07
LOW_M, HIGH_M = 0.02, 0.10
# Over that place within this they come down; the height to keep grows with the distance, like a funnel.
ALIGNED_M = 0.02
FUNNEL_SLOPE = 3.0
# Low fingers that are behind the cube, and no further beside the line to the goal than this, push.
ASIDE_MAX_M = 0.025
PUSH_BELOW_M = 0.05
# A cube that is pushed faster slides on by itself.
PUSH_STEP_M = 0.02


def expert(vector: Array) -> Array:
    """Over the place behind the cube, down, and push; what comes next follows from where things are."""
    hand_m, cube_m, goal_m = vector[:3], vector[6:9], vector[-3:]
    along = (goal_m - cube_m)[:2]
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    from_cube_m = (hand_m - cube_m)[:2]
    ahead_m = float(from_cube_m @ along)
    aside_m = from_cube_m - ahead_m * along
    if ahead_m < -CUBE_M / 2 and np.linalg.norm(aside_m) < ASIDE_MAX_M and hand_m[2] < PUSH_BELOW_M:
        return _action(np.array((*(PUSH_STEP_M * along - aside_m / 2), LOW_M - hand_m[2])))
    way_m = cube_m[:2] - BEHIND_M * along - hand_m[:2]
    funnel_m = LOW_M + FUNNEL_SLOPE * (float(np.linalg.norm(way_m)) - ALIGNED_M)
    return _action(GAIN * np.array((*way_m, min(max(funnel_m, LOW_M), HIGH_M) - hand_m[2])))


def _action(displacement_m: Array) -> Array:
    return np.clip(displacement_m / STEP_MAX_M, -1, 1).astype(np.float32)


class PushEnv(GoalEnv):
    """A cube of 40 mm and 1 kg to a point on the table, with closed fingers.

    State: hand [3], its velocity [3], cube [3], its roll, pitch and yaw [3], velocity [3] and turning [3].
    """

    task: ClassVar[Task] = Task(
        cube=True, gripper=False, goal_low_m=(-0.15, -0.15, CUBE_M / 2), goal_high_m=(0.15, 0.15, CUBE_M / 2),
        on_table=0.0, expert=expert,
    )  # fmt: skip
