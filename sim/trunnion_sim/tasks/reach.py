"""`trunnion/Reach-v0`: bring the hand to a point."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from trunnion_sim.tasks.goal_env import STEP_MAX_M, Array, GoalEnv, Task

GAIN = 1.0


def expert(vector: Array) -> Array:
    """Straight to the goal."""
    hand_m, goal_m = vector[:3], vector[-3:]
    return np.clip(GAIN * (goal_m - hand_m) / STEP_MAX_M, -1, 1).astype(np.float32)


class ReachEnv(GoalEnv):
    """The hand to a point in a box of 0.3 m above the table. State: hand [3], its velocity [3]."""

    task: ClassVar[Task] = Task(
        cube=False, gripper=False, goal_low_m=(-0.15, -0.15, 0.0), goal_high_m=(0.15, 0.15, 0.3),
        on_table=0.0, expert=expert,
    )  # fmt: skip
