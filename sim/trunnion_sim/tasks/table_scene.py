"""A Panda at a table, with a cube where a task has one: told where to move, asked where things are.

Positions are in the table's frame: origin on the table top, in the middle of the working area; x away from the arm,
whose base stands at `BASE_X_M`. Sizes, masses, forces and start are those of panda-gym 3.0.7, for comparable results.
"""

from __future__ import annotations

import math

import numpy as np

from trunnion_sim.kinematics import WRIST_TO_GRASP_M, moving_joints_rad
from trunnion_sim.solids import Ball, Box, Finish, Floats, Friction
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
_TABLE, _TABLE_AT_M = Box((0.55, 0.35, 0.2)), (-0.3, 0.0, -0.2)
_FLOOR, _FLOOR_AT_M = Box((3.0, 3.0, 0.01)), (0.0, 0.0, -0.41)
_CUBE = Box((CUBE_M / 2, CUBE_M / 2, CUBE_M / 2))
_AWAY_M = (0.0, 0.0, 3.0)
_FINGERTIP = Friction(sliding=1.0, spinning_m=0.001)
_DULL = (0.0, 0.0, 0.0)
_WOOD, _DARK = Finish((0.72, 0.64, 0.54), _DULL), Finish((0.2, 0.2, 0.22), _DULL)
_RED, _GREEN = Finish((0.85, 0.2, 0.15), _DULL), Finish((0.1, 0.8, 0.2))


class TableScene:
    """The scene of one task in a world of its own. The same calls give the same bytes, in a new scene or a used one.

    Args:
        cube: whether a cube lies on the table.
        target: whether a small ball, which nothing touches, shows where the goal is.
    """

    def __init__(self, *, cube: bool, target: bool) -> None:
        self.world = World(1 / RATE_HZ, SUBSTEPS)
        self._arm = self._load_arm()
        self.world.add(_FLOOR, _FLOOR, _DARK, at_m=_FLOOR_AT_M)
        self.world.add(_TABLE, _TABLE, _WOOD, at_m=_TABLE_AT_M)
        self._cube = self.world.add(_CUBE, _CUBE, _RED, mass_kg=CUBE_KG, at_m=_AWAY_M) if cube else None
        self._target = self.world.add(None, Ball(CUBE_M / 2), _GREEN, at_m=_AWAY_M) if target else None
        self._start_rad = _joints(*START_M, opening_m=0.0)
        self.hand_m: Floats = (0.0,) * 3
        self.hand_mps: Floats = (0.0,) * 3
        self.opening_m = 0.0

    def reset(self, goal_m: np.ndarray, cube_m: np.ndarray | None = None) -> None:
        """Start again: the arm at rest with closed fingers at `START_M`, the cube upright at `cube_m`."""
        self._forget()
        self._arm_at_start()
        if self._cube is not None and cube_m is not None:
            self.world.put(self._cube, tuple(cube_m.tolist()))
        if self._target is not None:
            self.world.put(self._target, tuple(goal_m.tolist()))
        self._look_at_hand()

    def move(self, displacement_m: Floats, opening_m: float) -> None:
        """Send the hand this far from where it is, and the fingers to this opening, for one period of 40 ms."""
        x, y, z = (here + by for here, by in zip(self.hand_m, displacement_m, strict=True))
        self._drive(_joints(x, y, max(z, 0.0), opening_m))
        self.world.step()
        self._look_at_hand()

    def cube_state(self) -> Floats:
        """The cube's middle (m), roll, pitch and yaw (rad), velocity (m/s) and angular velocity (rad/s); 12 numbers."""
        assert self._cube is not None
        position, quaternion = self.world.pose(self._cube)
        velocity, turning = self.world.velocity(self._cube)
        return (*position, *roll_pitch_yaw(*quaternion), *velocity, *turning)

    def close(self) -> None:
        """Give the world back."""
        self.world.close()

    def _look_at_hand(self) -> None:
        """The opening, the point between the fingertips and its velocity, from the link that the hand is welded to."""
        left, right = self.world.joint_places(self._arm, FINGERS)
        self.opening_m = left + right
        (cx, cy, cz), (fx, fy, fz), (qx, qy, qz, qw), (vx, vy, vz), (wx, wy, wz) = self.world.link(
            self._arm, WRIST
        )
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
            self.world.put(self._cube, _AWAY_M)
        self._arm_at_start()
        self.world.step()

    def _arm_at_start(self) -> None:
        self.world.put_joints(self._arm, JOINTS, self._start_rad)
        self._drive(self._start_rad)

    def _drive(self, targets: list[float]) -> None:
        self.world.drive_to(self._arm, JOINTS, targets, _EFFORTS_A_SUBSTEP)

    def _load_arm(self) -> int:
        arm = self.world.add_arm(welded_panda_urdf(), (BASE_X_M, 0.0, 0.0))
        for finger in FINGERS:
            self.world.rub(arm, _FINGERTIP, finger)
        return arm


def _joints(x_m: float, y_m: float, z_m: float, opening_m: float) -> list[float]:
    """The arm's angles that bring the hand there, and the fingers' places."""
    return [*moving_joints_rad(x_m - BASE_X_M, y_m, z_m), opening_m / 2, opening_m / 2]


def roll_pitch_yaw(x: float, y: float, z: float, w: float) -> tuple[float, float, float]:
    """Angles about the fixed x, y and z axes, in this order, of a unit quaternion; rad."""
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = math.asin(min(max(2 * (w * y - z * x), -1.0), 1.0))
    return roll, pitch, math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
