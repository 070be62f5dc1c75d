"""A Panda at a table, with a cube where a task has one: told where to move, asked where things are.

Positions are in the table's frame: origin on the table top, in the middle of the working area; x away from the arm,
whose base stands at `BASE_X_M`. Sizes, masses, forces and start are those of panda-gym 3.0.7, for comparable results.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trunnion_sim.kinematics import WRIST_TO_GRASP_M, moving_joints_rad
from trunnion_sim.tasks.arm_model import welded_panda_urdf
from trunnion_sim.world import World

RATE_HZ = 25.0
SUBSTEPS = 20
BASE_X_M = -0.6
START_M = (0.03844, 0.0, 0.1974)
CUBE_M = 0.04
CUBE_KG = 1.0
# Joints 1, 2, 4, 6 and 7, which the welded arm has left, and the fingers.
JOINTS, FINGERS, WRIST = (0, 1, 2, 3, 4, 5, 6), (5, 6), 4
EFFORTS = (87.0, 87.0, 87.0, 120.0, 120.0, 170.0, 170.0)
# PyBullet makes impulses of forces by the whole step, and spends one in every substep.
_EFFORTS_A_SUBSTEP = tuple(effort / SUBSTEPS for effort in EFFORTS)
_HALF_TABLE_M, _TABLE_AT_M = (0.55, 0.35, 0.2), (-0.3, 0.0, -0.2)
_HALF_FLOOR_M, _FLOOR_AT_M = (3.0, 3.0, 0.01), (0.0, 0.0, -0.41)
_AWAY_M = (0.0, 0.0, 3.0)
_UPRIGHT = (0.0, 0.0, 0.0, 1.0)
_WOOD, _DARK = (0.72, 0.64, 0.54, 1), (0.2, 0.2, 0.22, 1)
_RED, _GREEN = (0.85, 0.2, 0.15, 1), (0.1, 0.8, 0.2, 1)

Floats = tuple[float, ...]


class TableScene:
    """The scene of one task in a world of its own. The same calls give the same bytes, in a new scene or a used one.

    Args:
        cube: whether a cube lies on the table.
        target: whether a small ball, which nothing touches, shows where the goal is.
    """

    def __init__(self, *, cube: bool, target: bool) -> None:
        self.world = World(1 / RATE_HZ, SUBSTEPS)
        self._arm = self._load_arm()
        self._box(_HALF_FLOOR_M, _FLOOR_AT_M, _DARK)
        self._box(_HALF_TABLE_M, _TABLE_AT_M, _WOOD)
        self._cube = self._box((CUBE_M / 2,) * 3, _AWAY_M, _RED, CUBE_KG) if cube else None
        self._target = self._ball(_GREEN) if target else None
        self._start_rad = _joints(*START_M, opening_m=0.0)
        self.hand_m: Floats = (0.0,) * 3
        self.hand_mps: Floats = (0.0,) * 3
        self.opening_m = 0.0

    def reset(self, goal_m: np.ndarray, cube_m: np.ndarray | None = None) -> None:
        """Start again: the arm at rest with closed fingers at `START_M`, the cube upright at `cube_m`."""
        self._forget()
        self._arm_at_start()
        if self._cube is not None and cube_m is not None:
            self._put(self._cube, tuple(cube_m.tolist()))
        if self._target is not None:
            self._put(self._target, tuple(goal_m.tolist()))
        self._look_at_hand()

    def move(self, displacement_m: Floats, opening_m: float) -> None:
        """Send the hand this far from where it is, and the fingers to this opening, for one period of 40 ms."""
        x, y, z = (here + by for here, by in zip(self.hand_m, displacement_m, strict=True))
        self._drive(_joints(x, y, max(z, 0.0), opening_m))
        self.world.step()
        self._look_at_hand()

    def cube_state(self) -> Floats:
        """The cube's middle (m), roll, pitch and yaw (rad), velocity (m/s) and angular velocity (rad/s); 12 numbers."""
        bullet = self.world.bullet
        position, quaternion = bullet.getBasePositionAndOrientation(self._cube)
        velocity, turning = bullet.getBaseVelocity(self._cube)
        return (*position, *roll_pitch_yaw(*quaternion), *velocity, *turning)

    def close(self) -> None:
        """Give the world back."""
        self.world.close()

    def _look_at_hand(self) -> None:
        """The opening, the point between the fingertips and its velocity, from the link that the hand is welded to."""
        left, right = self.world.bullet.getJointStates(self._arm, FINGERS)
        self.opening_m = left[0] + right[0]
        state = self.world.bullet.getLinkState(self._arm, WRIST, 1, 1)
        (cx, cy, cz), (fx, fy, fz), (qx, qy, qz, qw) = state[0], state[4], state[5]
        (vx, vy, vz), (wx, wy, wz) = state[6], state[7]
        reach = WRIST_TO_GRASP_M
        x = fx + reach * 2 * (qx * qz + qw * qy)
        y = fy + reach * 2 * (qy * qz - qw * qx)
        z = fz + reach * (1 - 2 * (qx * qx + qy * qy))
        ax, ay, az = x - cx, y - cy, z - cz
        self.hand_m = (x, y, z)
        self.hand_mps = (vx + wy * az - wz * ay, vy + wz * ax - wx * az, vz + wx * ay - wy * ax)

    def _forget(self) -> None:
        """Leave nothing of the last episode behind.

        PyBullet keeps contacts from one step to the next. With the cube in the air, the arm at its start and one step
        made, there is none left to keep.
        """
        if self._cube is not None:
            self._put(self._cube, _AWAY_M)
        self._arm_at_start()
        self.world.step()

    def _arm_at_start(self) -> None:
        for joint, angle in zip(JOINTS, self._start_rad, strict=True):
            self.world.bullet.resetJointState(self._arm, joint, angle, 0.0)
        self._drive(self._start_rad)

    def _drive(self, targets: list[float]) -> None:
        bullet = self.world.bullet
        bullet.setJointMotorControlArray(
            self._arm, JOINTS, bullet.POSITION_CONTROL, targetPositions=targets, forces=_EFFORTS_A_SUBSTEP
        )

    def _put(self, body: int, position_m: Floats) -> None:
        self.world.bullet.resetBasePositionAndOrientation(body, position_m, _UPRIGHT)
        self.world.bullet.resetBaseVelocity(body, (0, 0, 0), (0, 0, 0))

    def _load_arm(self) -> int:
        bullet = self.world.bullet
        arm = int(bullet.loadURDF(str(welded_panda_urdf()), (BASE_X_M, 0.0, 0.0), useFixedBase=True))
        for finger in FINGERS:
            bullet.changeDynamics(arm, finger, lateralFriction=1.0, spinningFriction=0.001)
        return arm

    def _box(self, half_m: Floats, at_m: Floats, colour: Any, mass_kg: float = 0.0) -> int:
        bullet = self.world.bullet
        solid = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=half_m)
        drawn = bullet.createVisualShape(
            bullet.GEOM_BOX, halfExtents=half_m, rgbaColor=colour, specularColor=(0, 0, 0)
        )
        return int(bullet.createMultiBody(mass_kg, solid, drawn, at_m))

    def _ball(self, colour: Any) -> int:
        bullet = self.world.bullet
        drawn = bullet.createVisualShape(bullet.GEOM_SPHERE, radius=CUBE_M / 2, rgbaColor=colour)
        return int(bullet.createMultiBody(0, -1, drawn, _AWAY_M))


def _joints(x_m: float, y_m: float, z_m: float, opening_m: float) -> list[float]:
    """The arm's angles that bring the hand there, and the fingers' places."""
    return [*moving_joints_rad(x_m - BASE_X_M, y_m, z_m), opening_m / 2, opening_m / 2]


def roll_pitch_yaw(x: float, y: float, z: float, w: float) -> tuple[float, float, float]:
    """Angles about the fixed x, y and z axes, in this order, of a unit quaternion; rad."""
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = math.asin(min(max(2 * (w * y - z * x), -1.0), 1.0))
    return roll, pitch, math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
