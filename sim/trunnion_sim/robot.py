"""The Panda: moved by the velocity of its grasp point and the opening of its gripper, as a servoed arm is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trunnion_sim.kinematics import arm_joints_rad, moving_joints_rad
from trunnion_sim.panda_model import panda_urdf
from trunnion_sim.solids import Floats, Friction
from trunnion_sim.world import PHYSICS_HZ, World

ARM = tuple(range(7))
FINGERS = (9, 10)
MOVING = (*ARM, *FINGERS)
GRASP_LINK = 11
JOINT_NAMES = (
    *(f"panda_joint{number}" for number in range(1, 8)),
    "panda_finger_joint1",
    "panda_finger_joint2",
)
OPENING_MAX_M = 0.08
FINGER_FORCE_N = 30.0
FINGER_SPEED_MPS = 0.12
FINGERTIP = Friction(sliding=1.0, spinning_m=0.01)
ARM_EFFORT_NM = (87.0, 87.0, 87.0, 87.0, 40.0, 40.0, 40.0)
# The commanded point may run ahead of a blocked arm by this much, so that it never leaps when it comes free.
LEAD_MAX_M = 0.01
STANDING_MPS = 1e-6


@dataclass(frozen=True)
class JointStates:
    """Positions (rad, fingers m), velocities, efforts (N m, fingers N); each float64 [9], as in `JOINT_NAMES`."""

    positions: np.ndarray
    velocities: np.ndarray
    efforts: np.ndarray


class Panda:
    """A Panda in a world, its hand pointing straight down with the fingers along base y."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.body = world.add_arm(panda_urdf())
        for finger in FINGERS:
            world.rub(self.body, FINGERTIP, finger)
        # Both fingers move alike, as the real hand's single motor makes them: a part ends up in the middle.
        world.mirror(self.body, *FINGERS)
        self._commanded_base_m: Floats = (0.0, 0.0, 0.0)
        self._finger_target_m: float | None = None

    def place(self, grasp_base_m: np.ndarray, opening_m: float) -> None:
        """Put the arm there at once, at rest; for the start of an episode."""
        self._commanded_base_m = tuple(np.asarray(grasp_base_m, float).tolist())
        places = (*arm_joints_rad(grasp_base_m).tolist(), opening_m / 2, opening_m / 2)
        self.world.put_joints(self.body, MOVING, places)
        self._finger_target_m = None
        self._drive([0.0] * len(ARM), opening_m)

    def command(self, velocity_base_mps: np.ndarray, opening_m: float, duration_s: float) -> None:
        """Move the grasp point at this velocity for the next `duration_s`, and the fingers towards this opening.

        Half of the lag is made up for, lest the arm be faster than it was told. An arm that is told to stand keeps to
        the point where it was told to: measured from where it is, it would sink a little more every time.
        """
        here = self.world.link(self.body, GRASP_LINK).position_m
        velocity = np.asarray(velocity_base_mps, float).tolist()
        ahead = [wanted - is_at for wanted, is_at in zip(self._commanded_base_m, here, strict=True)]
        lead = math.hypot(*ahead)
        if lead > LEAD_MAX_M:
            ahead = [way * (LEAD_MAX_M / lead) for way in ahead]
        stands = max(map(abs, velocity)) < STANDING_MPS
        made_up_for = 1.0 if stands else 0.5
        x, y, z = self._commanded_base_m = tuple([
            is_at + made_up_for * way + speed * duration_s
            for is_at, way, speed in zip(here, ahead, velocity, strict=True)
        ])  # fmt: skip
        q1, q2, q4, q6, q7 = moving_joints_rad(x, y, z)
        ways = zip((q1, q2, 0.0, q4, 0.0, q6, q7), self._places()[: len(ARM)], strict=True)
        self._drive([(to - at) / duration_s for to, at in ways], opening_m)

    def arm_positions_rad(self) -> np.ndarray:
        """The arm's joint angles, float64 [7]."""
        return np.array(self._places()[: len(ARM)])

    def grasp_point_base_m(self) -> np.ndarray:
        """The point between the fingertips, float64 [3]."""
        return np.array(self.world.link(self.body, GRASP_LINK).position_m)

    def grasp_orientation_xyzw(self) -> np.ndarray:
        """The hand's orientation in the base frame, a quaternion, float64 [4]."""
        return np.array(self.world.link(self.body, GRASP_LINK).orientation_xyzw)

    def opening_m(self) -> float:
        """The distance between the fingertips."""
        left, right = self._places()[len(ARM) :]
        return left + right

    def grasp_jacobian_m(self) -> np.ndarray:
        """How far the grasp point moves per radian of each joint of the arm, float64 [3, 7]."""
        return self.world.jacobian(self.body, GRASP_LINK, MOVING)[:, : len(ARM)]

    def joint_states(self) -> JointStates:
        """What the encoders and motors report."""
        return JointStates(*self.world.joint_states(self.body, MOVING))

    def _places(self) -> Floats:
        """Of all the moving joints, which are asked together: one question costs as much as another."""
        return self.world.joint_places(self.body, MOVING)

    def _drive(self, joint_velocities: Sequence[float], opening_m: float) -> None:
        self.world.drive_at(self.body, ARM, joint_velocities, ARM_EFFORT_NM)
        target_m = min(max(opening_m, 0.0), OPENING_MAX_M) / 2
        if target_m != self._finger_target_m:
            for finger in FINGERS:
                self.world.drive_gently_to(self.body, finger, target_m, FINGER_FORCE_N, FINGER_SPEED_MPS)
            self._finger_target_m = target_m


def substeps(duration_s: float) -> int:
    """Physics steps in a control period."""
    return round(duration_s * PHYSICS_HZ)
