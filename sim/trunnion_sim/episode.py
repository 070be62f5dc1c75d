"""One closed-loop episode: an order, carried out in the simulated cell by what runs on the robot.

Detector, executive, policy and limiter are the objects that the ROS nodes wrap. Time is the simulation's: the loop
runs at the policy's rate, which has to be the cell's, and the camera at its own. A frame is rendered only while the
executive looks at frames, because one that nobody looks at changes nothing and costs more than everything else in a
period.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable
from functools import partial

import numpy as np

from trunnion_contract.cell import Point
from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.strict import Strict
from trunnion_edge.camera import PinholeCamera
from trunnion_edge.control import Acts, ArmController
from trunnion_edge.detector import Detector
from trunnion_edge.parts import SeenPart, SeenParts, locate
from trunnion_edge.sorting import Goal, OrderLine, RobotState, Sorter
from trunnion_edge.violations import ViolationMeter
from trunnion_sim.bins import misplaced
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.conditions import Conditions
from trunnion_sim.contents import begin
from trunnion_sim.imaging import sensed
from trunnion_sim.moment import Moment, Watch
from trunnion_sim.perturbation import Encoders
from trunnion_sim.scenarios import Scenario, Task
from trunnion_sim.travel import Travel

PERIOD_S = 0.05
CAMERA_PERIODS = 2
TIME_MAX_PER_PART_S = 20.0
# Stamps are multiples of the period, and floating point misses those by a hair.
_ROUNDING_S = 1e-9


class EpisodeResult(Strict):
    """What became of an episode; `reason` says why it failed.

    `path_m` is the way of the grasp point, `collisions` how often the arm began to touch scenery or a part that was not
    ordered, seen once a period. These and violations of limits are None where they were not measured.
    """

    success: bool
    reason: str
    time_s: float
    limit_violations: int | None
    interventions: int
    trajectory_sha256: str
    path_m: float | None = None
    collisions: int | None = None


def play(
    cell: SimulatedCell,
    detector: Detector,
    policy: Acts,
    scenario: Scenario,
    seed: int,
    watch: Watch | None = None,
) -> EpisodeResult:
    """Play the episode of a scenario that belongs to `seed`; the same arguments give the same result to the last bit.

    Args:
        cell: new or used; it is laid out anew.
        watch: called once a period, before anything moves.
    """
    start = begin(cell, scenario, seed)
    task, conditions, rng = start.task, start.conditions, start.rng
    sorter = Sorter(cell.layout, [OrderLine(label, count) for label, count in task.order.items()], task.bin)
    arm = _Arm(cell, policy, conditions, rng.spawn(1)[0], Travel(cell, task.order))
    camera = _Camera(cell, detector, conditions, rng)
    time_max_s = TIME_MAX_PER_PART_S * sorter.requested
    time_s = _carry_out(
        sorter, arm, camera, time_max_s, lambda now_s: watch(_moment(now_s, cell, sorter)) if watch else None
    )
    wrong = _shortfall(cell, task, sorter)
    return EpisodeResult(
        success=not wrong,
        reason=wrong,
        time_s=round(time_s, 3),
        limit_violations=arm.violations,
        interventions=arm.interventions,
        trajectory_sha256=arm.trajectory_sha256,
        path_m=arm.travel.path_m,
        collisions=arm.travel.collisions,
    )


def check_rate(spec: PolicySpec) -> None:
    """Refuse a policy that runs at another rate on the robot than in an episode.

    Raises:
        BadInput: the rates differ.
    """
    if not math.isclose(spec.rate_hz * PERIOD_S, 1):
        raise BadInput(
            where="the rate of the policy",
            got=f"{spec.rate_hz:g} Hz in the manifest",
            wanted=f"{1 / PERIOD_S:g} Hz as the simulated cell runs",
            next_step="train and export the policy in an environment of that rate, or prove it without a suite",
        )


class _Camera:
    """The camera of the cell, what the conditions do to its frames, and the detector behind it."""

    def __init__(
        self, cell: SimulatedCell, detector: Detector, conditions: Conditions, rng: np.random.Generator
    ) -> None:
        self._cell, self._detector, self._conditions, self._rng = cell, detector, conditions, rng
        self._pinhole = PinholeCamera.from_layout(cell.layout.camera)
        self._under_way: deque[SeenParts] = deque()
        self._arrived: SeenParts | None = None

    def expose(self, now_s: float) -> None:
        """Take a frame, which may be lost on its way."""
        if self._rng.random() >= self._conditions.dropped_frames:
            self._under_way.append(SeenParts(now_s, self._parts_in_view()))

    def newest(self, now_s: float) -> SeenParts | None:
        """What was seen in the newest frame that has arrived by now."""
        taken_before_s = now_s - self._conditions.latency_ms / 1000 + _ROUNDING_S
        while self._under_way and self._under_way[0].stamp_s <= taken_before_s:
            self._arrived = self._under_way.popleft()
        return self._arrived

    def _parts_in_view(self) -> tuple[SeenPart, ...]:
        image = sensed(self._cell.render(), self._conditions, self._rng)
        return locate(self._detector.detect(image), self._detector.labels, self._pinhole, self._cell.layout)


class _Arm:
    """The arm of the cell under its controller, which learns of its state a latency late."""

    def __init__(
        self,
        cell: SimulatedCell,
        policy: Acts,
        conditions: Conditions,
        rng: np.random.Generator,
        travel: Travel,
    ) -> None:
        latency_s = conditions.latency_ms / 1000
        self._cell, self.travel = cell, travel
        self._encoders = Encoders(cell.robot, conditions.joint_noise_deg, conditions.finger_noise_mm, rng)
        self._controller = ArmController(policy, cell.layout.limits, reaction_s=latency_s)
        self._meter = ViolationMeter(cell.layout.limits)
        self._states: deque[tuple[float, Point, float]] = deque(maxlen=1 + round(latency_s / PERIOD_S))
        self._trajectory = hashlib.sha256()

    @property
    def violations(self) -> int:
        """Excursions out of the limits, on the motion that came about."""
        return self._meter.total

    @property
    def interventions(self) -> int:
        """Commands that the limiter changed."""
        return self._controller.limiter.interventions

    @property
    def trajectory_sha256(self) -> str:
        """The digest of every position, width and command so far, and of where every part was."""
        return self._trajectory.hexdigest()

    def sense(self, now_s: float) -> RobotState:
        """Measure, and give the newest state that has arrived by now."""
        position_m, opening_m = self._cell.grasp_point_base_m(), self._cell.opening_m()
        self._meter.observe(position_m, now_s)
        self.travel.observe(position_m)
        self._trajectory.update(np.array([*position_m, opening_m]).tobytes())
        self._trajectory.update(self._cell.part_poses_base().tobytes())
        measured_m, measured_opening_m = self._encoders.measure(position_m, opening_m)
        x_m, y_m, z_m = measured_m.tolist()
        self._states.append((now_s, (x_m, y_m, z_m), measured_opening_m))
        stamp_s, gripper_base_m, opening_m = self._states[0]
        return RobotState(stamp_s, gripper_base_m, opening_m, self._controller.sense_grasp(opening_m, now_s))

    def move(self, goal: Goal, robot: RobotState, now_s: float) -> None:
        """Carry out a goal for one period."""
        motion = self._controller.command(goal, robot, now_s=now_s, dt_s=PERIOD_S)
        self._trajectory.update(np.array([*motion.velocity_base_mps, motion.opening_m]).tobytes())
        self._cell.step(motion.velocity_base_mps, motion.opening_m, PERIOD_S)


def _carry_out(
    sorter: Sorter, arm: _Arm, camera: _Camera, time_max_s: float, watch: Callable[[float], None]
) -> float:
    """Tick until the order is finished or the time is up; the time it took."""
    period = 0
    while not sorter.finished and (now_s := period * PERIOD_S) < time_max_s:
        watch(now_s)
        if sorter.phase == "looking" and period % CAMERA_PERIODS == 0:
            camera.expose(now_s)
        robot = arm.sense(now_s)
        arm.move(sorter.tick(now_s, robot, camera.newest(now_s)).goal, robot, now_s)
        period += 1
    return period * PERIOD_S


def _shortfall(cell: SimulatedCell, task: Task, sorter: Sorter) -> str:
    """What is wrong with the bins, whatever the executive believes; nothing if they hold what was ordered."""
    if sorter.phase == "failed":
        return sorter.message
    if not sorter.finished:
        return f"not finished in time while {sorter.message}"
    return misplaced(cell, task.order, task.bin)


def _moment(now_s: float, cell: SimulatedCell, sorter: Sorter) -> Moment:
    return Moment(now_s, sorter.phase, sorter.message, partial(_state, now_s, cell, sorter), cell.render)


def _state(now_s: float, cell: SimulatedCell, sorter: Sorter) -> dict[str, object]:
    """Time, what the executive is at, and where hand and parts are."""
    return {
        "t_s": round(now_s, 3),
        "phase": sorter.phase,
        "message": sorter.message,
        "grasp_point_base_m": rounded(cell.grasp_point_base_m()),
        "opening_m": round(cell.opening_m(), 5),
        "parts": [[part.kind.label, *rounded(part.position_base_m())] for part in cell.parts],
    }


def rounded(values: np.ndarray) -> list[float]:
    """Numbers for a log, five digits after the point."""
    return [round(value, 5) for value in values.tolist()]
