"""One control period of the arm: a goal in, a safe command out; what the policy node and the proof run alike."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.cell import MotionLimits
from trunnion_edge.goals import Goal, Mode, RobotState
from trunnion_edge.gripper import GraspDetector
from trunnion_edge.limits import Limiter, SafeMotion
from trunnion_edge.motion import toward
from trunnion_edge.policy import NotFinite


class Acts(Protocol):
    """What the controller needs of a policy."""

    def act(self, observation: dict[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        """Entries of an observation → entries of an action."""

    def forget(self) -> None:
        """Drop what was planned ahead."""


class ArmController:
    """Carries out goals, with the limiter between every command and the arm.

    Args:
        policy: what carries out goals of mode POLICY.
        limits: the bounds of motion.
        reaction_s: how long the arm goes on with the last velocity before it follows a new one.
    """

    def __init__(self, policy: Acts, limits: MotionLimits, reaction_s: float = 0.0) -> None:
        self._policy = policy
        self._limits = limits
        self.limiter = Limiter(limits, reaction_s)
        self._grasp = GraspDetector()
        self._told_opening_m = limits.opening_max_m
        self._planned_for: Goal | None = None

    def reset(self) -> None:
        """Start from rest with the gripper open; the limiter's counts go on."""
        self.limiter.reset()
        self._plan_for(None)
        self._grasp.reset()
        self._told_opening_m = self._limits.opening_max_m

    def sense_grasp(self, opening_m: float, now_s: float) -> bool:
        """Take the gripper's width once a period; return whether it holds a part."""
        return self._grasp.update(self._told_opening_m, opening_m, now_s)

    def hold(self, reason: str, dt_s: float, *, at_once: bool = False) -> SafeMotion:
        """Brake to a stop, or command zero at once; what the policy planned ahead is dropped."""
        self._plan_for(None)
        return self.limiter.stop(reason) if at_once else self.limiter.hold(reason, dt_s)

    def command(self, goal: Goal, robot: RobotState, *, now_s: float, dt_s: float) -> SafeMotion:
        """What the arm shall do for the next `dt_s`; in doubt it holds."""
        self._plan_for(goal)
        try:
            velocity_base_mps, opening_m = self._wanted(goal, robot)
        except NotFinite as error:
            motion = self.hold(str(error), dt_s)
        else:
            motion = self.limiter.limit(
                velocity_base_mps,
                opening_m,
                position_base_m=robot.gripper_base_m,
                dt_s=dt_s,
                state_age_ms=(now_s - robot.stamp_s) * 1000,
            )
        if motion.hold_reason:
            self._plan_for(None)
        self._told_opening_m = motion.opening_m
        return motion

    def _plan_for(self, goal: Goal | None) -> None:
        """What was planned for another goal, or before a hold, is not carried out."""
        if goal != self._planned_for:
            self._policy.forget()
        self._planned_for = goal

    def _wanted(self, goal: Goal, robot: RobotState) -> tuple[ArrayLike, float]:
        if goal.mode == Mode.POLICY:
            action = self._policy.act(_observation(goal, robot))
            return action["velocity_base_mps"], float(action["opening_m"][0])
        if goal.mode == Mode.MOVE:
            return toward(robot.gripper_base_m, goal.target_base_m, self._limits), goal.opening_m
        return np.zeros(3), self._told_opening_m


def _observation(goal: Goal, robot: RobotState) -> dict[str, ArrayLike]:
    return {
        "gripper_base_m": robot.gripper_base_m,
        "opening_m": robot.opening_m,
        "grasped": float(robot.grasped),
        "target_base_m": goal.target_base_m,
        "place_base_m": goal.place_base_m,
    }
