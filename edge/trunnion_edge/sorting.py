"""The executive of the sorting cell: from an order to goals for the policy node, one tick at a time.

A pure state machine: what the robot and the camera say comes in with its time, goals and events come out.

    homing ──► looking ──► picking ──► placing ──► homing …       until every part is placed
       ▲          │           │           │
       └──────────┴── retry ──┴───────────┘                       finished: done, or failed with a reason
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trunnion_contract.cell import CellLayout, Point
from trunnion_edge.goals import Goal, Mode, RobotState
from trunnion_edge.orders import OrderLine, check_order
from trunnion_edge.parts import SeenPart, SeenParts, choose, in_tray, locate, tried
from trunnion_edge.route import Route, home_again, put_back

__all__ = [
    "Event", "Goal", "Mode", "OrderLine", "RobotState", "SeenPart", "SeenParts", "Sorter", "SorterSettings", "Tick",
    "check_order", "locate",
]  # fmt: skip

Phase = Literal["homing", "looking", "picking", "placing", "done", "failed"]
EventKind = Literal["picked", "placed", "retry", "missing", "failed", "done"]


@dataclass(frozen=True)
class Event:
    """Something that happened to the order."""

    kind: EventKind
    label: str
    message: str


@dataclass(frozen=True)
class Tick:
    """What comes out of one tick."""

    goal: Goal
    events: tuple[Event, ...]


@dataclass(frozen=True)
class SorterSettings:
    """How patient the executive is.

    Attributes:
        state_age_max_s: older than this, the state of the robot is stale and the arm holds.
        silence_max_s: after so long without a fresh state or a fresh frame, the order fails.
        move_max_s: time for one straight leg.
        policy_max_s: time for the policy to take one part to the bin.
        grasp_loss_s: a grasp that is lost for a shorter time was never lost.
        looks_max: frames that must show no such part before it counts as missing.
        retries_max: how often one part is tried again.
    """

    state_age_max_s: float = 0.3
    silence_max_s: float = 3.0
    move_max_s: float = 10.0
    policy_max_s: float = 15.0
    grasp_loss_s: float = 0.25
    looks_max: int = 5
    retries_max: int = 3


@dataclass
class _Attempt:
    """One part on its way from the tray to the bin."""

    part: SeenPart
    count_before: int
    started_s: float
    was_grasped: bool = False
    lost_since_s: float | None = None
    lost_at: Point | None = None


class Sorter:
    """Runs one order; `tick` is called at the rate of the policy, or faster.

    Attributes:
        phase: where the order stands.
        sorted: parts that are in the bin.
        requested: parts that were ordered.
        message: what an operator reads.
    """

    def __init__(
        self,
        cell: CellLayout,
        lines: Sequence[OrderLine],
        bin_name: str,
        settings: SorterSettings | None = None,
    ) -> None:
        check_order(cell, lines, bin_name)
        self._cell, self._bin = cell, cell.bins[bin_name]
        self._settings = settings or SorterSettings()
        self._open_m = cell.limits.opening_max_m
        self._labels = [line.label for line in lines for _ in range(line.quantity)]
        self.requested = len(self._labels)
        self.sorted = 0
        self.phase: Phase = "homing"
        self.message = "going home"
        self._goal = Goal(Mode.HOLD, cell.home_base_m, self._bin.drop_base_m, self._open_m)
        self._events: list[Event] = []
        self._route: Route | None = None
        self._attempt: _Attempt | None = None
        self._in_vain: list[Point] = []
        self._tries = self._looks = 0
        self._fresh_state_s: float | None = None
        self._waiting_since_s = self._frame_s = 0.0

    @property
    def finished(self) -> bool:
        """Whether the order ended, well or not."""
        return self.phase in ("done", "failed")

    @property
    def success(self) -> bool:
        """Whether every part that was ordered is in the bin."""
        return self.phase == "done"

    @property
    def part(self) -> str:
        """The label that is being sorted; empty after the last one."""
        return self._labels[self.sorted] if self.sorted < self.requested else ""

    def tick(self, now_s: float, robot: RobotState | None, seen: SeenParts | None) -> Tick:
        """Take the latest state and frame (each may be an old one seen before), and say what to do now."""
        self._events = []
        if not self.finished:
            fresh = self._fresh(now_s, robot)
            self._goal = (
                replace(self._goal, mode=Mode.HOLD) if fresh is None else self._step(now_s, fresh, seen)
            )
        return Tick(self._goal, tuple(self._events))

    def cancel(self, reason: str = "cancelled") -> None:
        """End the order where it stands; the arm holds."""
        if not self.finished:
            self._fail(reason)

    def _fresh(self, now_s: float, robot: RobotState | None) -> RobotState | None:
        """The robot's state if it is recent enough to act on."""
        if self._fresh_state_s is None:
            self._fresh_state_s = now_s
        if robot is not None and now_s - robot.stamp_s <= self._settings.state_age_max_s:
            self._fresh_state_s = now_s
            return robot
        if now_s - self._fresh_state_s > self._settings.silence_max_s:
            self._fail(f"the robot is silent: no state for {self._settings.silence_max_s:.1f} s")
        return None

    def _step(self, now_s: float, robot: RobotState, seen: SeenParts | None) -> Goal:
        if self.phase == "homing":
            return self._home(now_s, robot)
        if self.phase == "looking":
            return self._look(now_s, seen)
        return self._sort(now_s, robot)

    def _home(self, now_s: float, robot: RobotState) -> Goal:
        if self._route is None:
            self._route = self._way_home(robot)
        waypoint = self._route.at(now_s, robot.gripper_base_m)
        if waypoint is None:
            self._route, self.phase, self.message = None, "looking", "looking into the tray"
            self._waiting_since_s, self._frame_s, self._looks = now_s, now_s, 0
            return self._hold()
        if self._route.leg_s(now_s) > self._settings.move_max_s:
            return self._fail(f"the arm did not reach {_millimetres(waypoint.position_base_m)} mm in time")
        return Goal(Mode.MOVE, waypoint.position_base_m, waypoint.position_base_m, waypoint.opening_m)

    def _way_home(self, robot: RobotState) -> Route:
        if not robot.grasped:
            return home_again(self._cell, robot.gripper_base_m)
        # A part that should not be in the gripper goes back to where it was, or into the middle of the tray.
        attempt = self._attempt
        spot = attempt.part.position_base_m if attempt else self._cell.tray.center_base_m
        return put_back(self._cell, robot.gripper_base_m, spot)

    def _look(self, now_s: float, seen: SeenParts | None) -> Goal:
        """Wait for a frame that was taken after the arm came home, so that it is fresh and the tray in full view."""
        if seen is None or not self._frame_s < seen.stamp_s <= now_s + self._settings.state_age_max_s:
            if now_s - self._waiting_since_s > self._settings.silence_max_s:
                return self._fail(
                    f"the detector is silent: no detections for {self._settings.silence_max_s:.1f} s"
                )
            return self._hold()
        self._waiting_since_s, self._frame_s = now_s, seen.stamp_s
        self._verify(seen)
        if self.finished or self.phase == "homing":
            return self._hold()
        if not self.part:
            return self._done()
        return self._start(now_s, seen)

    def _verify(self, seen: SeenParts) -> None:
        """Whether the part that was carried to the bin is gone from the tray."""
        attempt, self._attempt = self._attempt, None
        if attempt is None or attempt.lost_at is None or not self._over_bin(attempt.lost_at):
            return
        label = attempt.part.label
        there = any(
            part.label == label and tried(part, [attempt.part.position_base_m]) for part in seen.parts
        )
        if there and self._count(label, seen) >= attempt.count_before:
            self._retry(attempt.part, "it is still in the tray")
            return
        self.sorted += 1
        self._tries, self._in_vain = 0, []
        self._tell("placed", label, f"{self.sorted} of {self.requested} sorted")

    def _start(self, now_s: float, seen: SeenParts) -> Goal:
        part = choose(self.part, seen.parts, self._cell.tray, self._in_vain)
        if part is None:
            self._looks += 1
            return self._hold() if self._looks < self._settings.looks_max else self._missing()
        self._attempt = _Attempt(part, self._count(part.label, seen), now_s)
        self.phase, self.message = "picking", f"picking a {part.label}"
        return self._policy(part)

    def _sort(self, now_s: float, robot: RobotState) -> Goal:
        """Let the policy work, and see what becomes of the grasp."""
        attempt = self._attempt
        assert attempt is not None, "a part is being sorted"
        if robot.grasped:
            self._grasped(attempt)
        elif attempt.was_grasped and self._lost(attempt, now_s, robot):
            over_bin = attempt.lost_at is not None and self._over_bin(attempt.lost_at)
            return self._go_home() if over_bin else self._retry(attempt.part, "the grasp was lost")
        if now_s - attempt.started_s > self._settings.policy_max_s:
            return self._retry(attempt.part, "the policy took too long")
        return self._policy(attempt.part)

    def _grasped(self, attempt: _Attempt) -> None:
        if not attempt.was_grasped:
            self._tell("picked", attempt.part.label, f"picked a {attempt.part.label}")
            self.phase, self.message = "placing", f"placing a {attempt.part.label}"
        attempt.was_grasped, attempt.lost_since_s, attempt.lost_at = True, None, None

    def _lost(self, attempt: _Attempt, now_s: float, robot: RobotState) -> bool:
        """Whether the gripper has been empty for so long that the part is no longer in it; notes where it left."""
        if attempt.lost_since_s is None:
            attempt.lost_since_s, attempt.lost_at = now_s, robot.gripper_base_m
        return now_s - attempt.lost_since_s >= self._settings.grasp_loss_s

    def _retry(self, part: SeenPart, reason: str) -> Goal:
        self._tries += 1
        self._in_vain.append(part.position_base_m)
        if self._tries > self._settings.retries_max:
            return self._fail(
                f"no {part.label} could be sorted in {self._tries} attempts, at the last {reason}"
            )
        self._tell("retry", part.label, reason)
        return self._go_home()

    def _go_home(self) -> Goal:
        self.phase, self.message, self._route = "homing", "going home", None
        return self._hold()

    def _missing(self) -> Goal:
        label = self.part
        self._tell("missing", label, f"no {label} in the tray")
        return self._fail(f"no {label} in the tray")

    def _done(self) -> Goal:
        self.phase, self.message = "done", f"{self.sorted} of {self.requested} sorted"
        self._events.append(Event("done", "", self.message))
        return self._hold()

    def _fail(self, reason: str) -> Goal:
        self.phase, self.message = "failed", f"{reason}; {self.sorted} of {self.requested} sorted"
        self._events.append(Event("failed", self.part, self.message))
        self._goal = self._hold()
        return self._goal

    def _tell(self, kind: EventKind, label: str, message: str) -> None:
        self.message = message
        self._events.append(Event(kind, label, message))

    def _hold(self) -> Goal:
        return replace(self._goal, mode=Mode.HOLD)

    def _policy(self, part: SeenPart) -> Goal:
        return Goal(Mode.POLICY, part.position_base_m, self._bin.drop_base_m, self._open_m)

    def _count(self, label: str, seen: SeenParts) -> int:
        return sum(part.label == label and in_tray(part, self._cell.tray) for part in seen.parts)

    def _over_bin(self, position: Point) -> bool:
        return all(abs(position[i] - self._bin.center_base_m[i]) <= self._bin.size_m[i] / 2 for i in (0, 1))


def _millimetres(position: Point) -> str:
    return ", ".join(f"{axis * 1000:.0f}" for axis in position)
