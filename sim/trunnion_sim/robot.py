"""The Panda: moved by the velocity of its grasp point and the opening of its gripper, as a servoed arm is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trunnion_sim.kinematics import arm_joints_rad
from trunnion_sim.panda_model import panda_urdf
from trunnion_sim.solids import Friction
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
        self._commanded_base_m = np.zeros(3)

    def place(self, grasp_base_m: np.ndarray, opening_m: float) -> None:
        """Put the arm there at once, at rest; for the start of an episode."""
        self._commanded_base_m = np.array(grasp_base_m, float)
        places = (*arm_joints_rad(self._commanded_base_m).tolist(), opening_m / 2, opening_m / 2)
        self.world.put_joints(self.body, MOVING, places)
        self._drive(np.zeros(7), opening_m)

    def command(self, velocity_base_mps: np.ndarray, opening_m: float, duration_s: float) -> None:
        """Move the grasp point at this velocity for the next `duration_s`, and the fingers towards this opening.

        Half of the lag is made up for, lest the arm be faster than it was told. An arm that is told to stand keeps to
        the point where it was told to: measured from where it is, it would sink a little more every time.
        """
        here = self.grasp_point_base_m()
        ahead = self._commanded_base_m - here
        lead = math.sqrt(ahead @ ahead)
        if lead > LEAD_MAX_M:
            ahead *= LEAD_MAX_M / lead
        velocity = np.asarray(velocity_base_mps, float)
        stands = all(abs(speed) < STANDING_MPS for speed in velocity.tolist())
        made_up_for = 1.0 if stands else 0.5
        self._commanded_base_m = here + made_up_for * ahead + velocity * duration_s
        wanted = arm_joints_rad(self._commanded_base_m)
        self._drive((wanted - self.arm_positions_rad()) / duration_s, opening_m)

    def arm_positions_rad(self) -> np.ndarray:
        """The arm's joint angles, float64 [7]."""
        return np.array(self.world.joint_places(self.body, ARM))

    def grasp_point_base_m(self) -> np.ndarray:
        """The point between the fingertips, float64 [3]."""
        return np.array(self.world.link(self.body, GRASP_LINK).position_m)

    def grasp_orientation_xyzw(self) -> np.ndarray:
        """The hand's orientation in the base frame, a quaternion, float64 [4]."""
        return np.array(self.world.link(self.body, GRASP_LINK).orientation_xyzw)

    def opening_m(self) -> float:
        """The distance between the fingertips."""
        return float(sum(self.world.joint_places(self.body, FINGERS)))

    def grasp_jacobian_m(self) -> np.ndarray:
        """How far the grasp point moves per radian of each joint of the arm, float64 [3, 7]."""
        return self.world.jacobian(self.body, GRASP_LINK, MOVING)[:, : len(ARM)]

    def joint_states(self) -> JointStates:
        """What the encoders and motors report."""
        return JointStates(*self.world.joint_states(self.body, MOVING))

    def _drive(self, joint_velocities: np.ndarray, opening_m: float) -> None:
        self.world.drive_at(self.body, ARM, joint_velocities.tolist(), ARM_EFFORT_NM)
        target_m = min(max(opening_m, 0.0), OPENING_MAX_M) / 2
        for finger in FINGERS:
            self.world.drive_gently_to(self.body, finger, target_m, FINGER_FORCE_N, FINGER_SPEED_MPS)


def substeps(duration_s: float) -> int:
    """Physics steps in a control period."""
    return round(duration_s * PHYSICS_HZ)
