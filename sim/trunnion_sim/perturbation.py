"""Where the robot is not what its calibration says: a camera that stands elsewhere, encoders that are noisy."""

from __future__ import annotations

import numpy as np

from trunnion_contract.cell import CameraLayout
from trunnion_sim.robot import Panda


def misplaced_camera(
    layout: CameraLayout, shift_mm: float, turn_deg: float, rng: np.random.Generator
) -> CameraLayout:
    """The camera `shift_mm` away in a random direction and turned by `turn_deg` about a random axis."""
    direction, axis = _direction(rng), _direction(rng)
    if not shift_mm and not turn_deg:
        return layout
    turn = _rotation(axis, np.radians(turn_deg))
    calibrated = np.array(layout.position_base_m)
    position = calibrated + shift_mm / 1000 * direction
    look_at = position + turn @ (np.array(layout.look_at_base_m) - calibrated)
    return layout.model_copy(
        update={
            "position_base_m": tuple(position.tolist()),
            "look_at_base_m": tuple(look_at.tolist()),
            "image_up_base": tuple((turn @ np.array(layout.image_up_base)).tolist()),
        }
    )


class Encoders:
    """What the robot believes of its grasp point and its opening, from encoders with normal noise."""

    def __init__(
        self, robot: Panda, joint_noise_deg: float, finger_noise_mm: float, rng: np.random.Generator
    ) -> None:
        self._robot, self._rng = robot, rng
        self._joint_noise_rad, self._finger_noise_m = np.radians(joint_noise_deg), finger_noise_mm / 1000

    def measure(self, position_m: np.ndarray, opening_m: float) -> tuple[np.ndarray, float]:
        """What is believed of the true grasp point, float64 [3], and of the true opening."""
        if self._joint_noise_rad:
            # So little noise is linear: the robot's own forward kinematics would see the same shift.
            errors_rad = self._rng.normal(0, self._joint_noise_rad, 7)
            position_m = position_m + self._robot.grasp_jacobian_m() @ errors_rad
        if self._finger_noise_m:
            opening_m = max(0.0, opening_m + float(self._rng.normal(0, self._finger_noise_m)))
        return position_m, opening_m


def _direction(rng: np.random.Generator) -> np.ndarray:
    vector = rng.standard_normal(3)
    return np.asarray(vector / np.linalg.norm(vector))


def _rotation(axis: np.ndarray, angle_rad: float) -> np.ndarray:
    """Rodrigues' formula, float64 [3, 3]."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross
