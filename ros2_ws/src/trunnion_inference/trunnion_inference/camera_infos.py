"""sensor_msgs/CameraInfo to the intrinsics of the image that comes with it."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CameraInfo

from trunnion_contract.errors import BadInput
from trunnion_edge.intrinsics import Intrinsics


def intrinsics_of(message: CameraInfo, *, rectified: bool = False) -> Intrinsics:
    """The camera of the raw image (matrix `k` and distortion `d`), or of the rectified one (`p`, no distortion).

    The region of interest, in pixels of the whole sensor, and the binning after it are taken into account.

    Raises:
        BadInput: no calibration, one that is not of a pinhole camera, or a region or a binning that does not fit it.
    """
    matrix, name = (_projection(message), "p[:, :3]") if rectified else (message.k, "k")
    camera = Intrinsics.from_matrix(matrix, message.width, message.height, name=name)
    if not rectified:
        camera = camera.with_distortion(message.distortion_model, message.d)
    region = message.roi
    # All zeros are the whole image.
    if any((region.x_offset, region.y_offset, region.width, region.height)):
        camera = camera.cut_to(region.x_offset, region.y_offset, region.width, region.height)
    return camera.binned(max(1, message.binning_x), max(1, message.binning_y))


def _projection(message: CameraInfo) -> np.ndarray:
    """The matrix of the rectified image, nine values.

    Raises:
        BadInput: it is that of a stereo pair's second camera, which projects from the first one's frame.
    """
    p = np.asarray(message.p, np.float64).reshape(3, 4)
    if p[:, 3].any():
        raise BadInput(
            where="camera_info",
            got=f"p with the translation {p[:, 3].tolist()}",
            wanted="that of a camera by itself, or of the first of a pair",
            next_step="detect in the images of the pair's first camera, to which its depth belongs",
        )
    return p[:, :3].ravel()
