"""What a robot publishes, as messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from sensor_msgs.msg import CameraInfo, JointState
from std_msgs.msg import Header

from trunnion_edge.camera import PinholeCamera


def pose_message(position_base_m: np.ndarray, orientation_xyzw: np.ndarray, header: Header) -> PoseStamped:
    """A pose in the header's frame."""
    x, y, z, w = map(float, orientation_xyzw)
    position = Point(**dict(zip("xyz", map(float, position_base_m), strict=True)))
    return PoseStamped(
        header=header, pose=Pose(position=position, orientation=Quaternion(x=x, y=y, z=z, w=w))
    )


def joint_message(
    names: Sequence[str], positions: np.ndarray, velocities: np.ndarray, efforts: np.ndarray, header: Header
) -> JointState:
    """Radians, metres, and their rates; newton metres and newtons."""
    return JointState(
        header=header,
        name=list(names),
        position=positions.tolist(),
        velocity=velocities.tolist(),
        effort=efforts.tolist(),
    )


def camera_info_message(camera: PinholeCamera, header: Header) -> CameraInfo:
    """A camera without distortion; the image is its own rectified one."""
    k = camera.matrix
    return CameraInfo(
        header=header,
        width=camera.width_px,
        height=camera.height_px,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=k.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=np.column_stack([k, np.zeros(3)]).ravel().tolist(),
    )
