"""What the policy node does each period: carry out the latest goal, unless what it rests on is stale. No ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trunnion_contract.cell import MotionLimits, Point
from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry, PolicySpec
from trunnion_edge.control import ArmController
from trunnion_edge.goals import Goal, Mode, RobotState
from trunnion_edge.limits import SafeMotion
from trunnion_edge.policy import Policy

# What the arm controller gives a policy, and what it takes from it.
OBSERVATION = ("gripper_base_m", "opening_m", "grasped", "target_base_m", "place_base_m")
ACTION = ("velocity_base_mps", "opening_m")


@dataclass(frozen=True)
class Position:
    """Where the grasp point was measured."""

    base_m: Point
    stamp_s: float


@dataclass(frozen=True)
class Opening:
    """How wide the gripper was measured."""

    width_m: float
    stamp_s: float


@dataclass(frozen=True)
class StampedGoal:
    """The latest goal and when it was set."""

    goal: Goal
    stamp_s: float


@dataclass(frozen=True)
class Output:
    """One period: what the arm is told, and what the status says.

    `opening_m` is None until a goal told the gripper something: a node that starts anew must not drop a part.
    """

    velocity_base_mps: np.ndarray
    opening_m: float | None
    mode: Mode
    grasped: bool
    hold_reason: str


class Controller:
    """Steps once a period. Times are seconds of one clock; what is older than its limit makes the arm hold.

    Args:
        policy: the learnt policy.
        limits: the bounds of motion, and the greatest age of pose and joints.
        goal_age_max_s: the greatest age of a goal.
        reaction_s: how long the arm takes to follow a command.

    Attributes:
        period_s: the policy's own.
        holds: how often the arm began to hold against its goal.
    """

    def __init__(
        self, policy: Policy, limits: MotionLimits, goal_age_max_s: float, reaction_s: float = 0.0
    ) -> None:
        check_spec(policy.spec)
        self.period_s = 1 / policy.spec.rate_hz
        self.holds = 0
        self._arm = ArmController(policy, limits, reaction_s)
        self._state_age_max_s = limits.observation_age_max_ms / 1e3
        self._goal_age_max_s = goal_age_max_s
        self._opening_m: float | None = None
        self._grasped = False
        self._was_holding = False

    def step(
        self,
        now_s: float,
        position: Position | None,
        opening: Opening | None,
        wish: StampedGoal | None,
        stop: str = "",
    ) -> Output:
        """One period, with the latest of each input; None where nothing has come yet. `stop` is why it must stand."""
        self._sense_grasp(opening)
        if stop:
            return self._held(self._arm.hold(stop, self.period_s, at_once=True), stop)
        if wish is None or wish.goal.mode == Mode.HOLD:
            return self._hold("")
        if position is None or opening is None:
            return self._hold(f"no {'joint_states' if position else 'current_pose'} yet")
        if stale := self._stale(now_s, position, opening, wish):
            return self._hold(stale)
        robot = RobotState(position.stamp_s, position.base_m, opening.width_m, self._grasped)
        motion = self._arm.command(wish.goal, robot, now_s=now_s, dt_s=self.period_s)
        if motion.hold_reason:
            return self._held(motion, motion.hold_reason)
        self._opening_m, self._was_holding = motion.opening_m, False
        return self._output(motion, wish.goal.mode, "")

    def _sense_grasp(self, opening: Opening | None) -> None:
        if opening is not None and self._opening_m is not None:
            # The time of the reading, not of the clock: fingers of which nothing is heard do not stand still.
            self._grasped = self._arm.sense_grasp(opening.width_m, opening.stamp_s)

    def _stale(self, now_s: float, position: Position, opening: Opening, wish: StampedGoal) -> str:
        """What is too old to act on; empty where nothing is."""
        for name, stamp_s, age_max_s in (
            ("current_pose", position.stamp_s, self._state_age_max_s),
            ("joint_states", opening.stamp_s, self._state_age_max_s),
            ("policy/goal", wish.stamp_s, self._goal_age_max_s),
        ):
            # Written so that NaN holds; a stamp far in the future is a clock that cannot be trusted.
            if not abs(now_s - stamp_s) <= age_max_s:
                return f"{name} is {(now_s - stamp_s) * 1e3:.0f} ms old"
        return ""

    def _hold(self, reason: str) -> Output:
        return self._held(self._arm.hold(reason, self.period_s), reason)

    def _held(self, motion: SafeMotion, reason: str) -> Output:
        self.holds += bool(reason) and not self._was_holding
        self._was_holding = bool(reason)
        return self._output(motion, Mode.HOLD, reason)

    def _output(self, motion: SafeMotion, mode: Mode, reason: str) -> Output:
        return Output(motion.velocity_base_mps, self._opening_m, mode, self._grasped, reason)


def check_spec(spec: PolicySpec) -> None:
    """Refuse a policy that needs what the arm does not measure, or that commands something else.

    Raises:
        BadInput: names the entries, or the image: the arm is not given one yet.
    """
    if spec.image:
        raise BadInput(
            where="the policy's observation",
            got=f"an image of {list(spec.image.shape[1:])}",
            wanted="numbers alone",
            next_step="run a bundle whose policy sees no images: the policy node is not connected to a camera",
        )
    for kind, entries, wanted in (
        ("observation", spec.observation, OBSERVATION),
        ("action", spec.action, ACTION),
    ):
        if {entry.name for entry in entries} != set(wanted):
            raise BadInput(
                where=f"the policy's {kind}",
                got=_names(entries),
                wanted=", ".join(wanted),
                next_step="run a bundle whose policy was trained for this cell",
            )


def _names(entries: tuple[Entry, ...]) -> str:
    return ", ".join(entry.name for entry in entries)
