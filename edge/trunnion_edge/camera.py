"""A fixed pinhole camera without distortion: from pixels to the table and back.

Image coordinates are those of boxes: (0, 0) is the outer corner of the first pixel, whose centre is at (0.5, 0.5).
The optical frame is that of REP 103: x to the right, y down, z forward.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.cell import CameraLayout
from trunnion_contract.errors import BadInput
from trunnion_edge.intrinsics import CORNER_PX, Intrinsics

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PinholeCamera:
    """Intrinsics and pose.

    Attributes:
        focal_px: focal length in pixels, along x and y.
        centre_px: where the optical axis meets the image, in coordinates of boxes.
        position_base_m: float64 [3].
        base_from_optical: float64 [3, 3], the rotation; its columns are the optical axes in `base`.
    """

    width_px: int
    height_px: int
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    position_base_m: Vector
    base_from_optical: Vector

    @classmethod
    def from_layout(cls, layout: CameraLayout) -> PinholeCamera:
        """The camera of a cell: square pixels, the optical axis through the middle of the image.

        Raises:
            BadInput: the layout does not say which way is up in the image.
        """
        focal_px = layout.height_px / 2 / math.tan(math.radians(layout.vertical_field_of_view_deg) / 2)
        return cls(
            width_px=layout.width_px,
            height_px=layout.height_px,
            focal_px=(focal_px, focal_px),
            centre_px=(layout.width_px / 2, layout.height_px / 2),
            position_base_m=np.array(layout.position_base_m),
            base_from_optical=_look(layout),
        )

    def with_matrix(self, matrix: ArrayLike, width_px: int, height_px: int) -> PinholeCamera:
        """This camera's pose with the intrinsics of a `sensor_msgs/CameraInfo`: its `k` (9 values), width and height.

        Raises:
            BadInput: the matrix is not one of a pinhole camera.
        """
        seen = Intrinsics.from_matrix(matrix, width_px, height_px)
        return replace(
            self,
            width_px=seen.width_px,
            height_px=seen.height_px,
            focal_px=seen.focal_px,
            centre_px=seen.centre_px,
        )

    @property
    def matrix(self) -> Vector:
        """float64 [3, 3], as `sensor_msgs/CameraInfo` wants its `k`: whole numbers on pixel centres."""
        (fx, fy), (cx, cy) = self.focal_px, self.centre_px
        return np.array([[fx, 0, cx - CORNER_PX], [0, fy, cy - CORNER_PX], [0, 0, 1.0]])

    def pixel_to_plane(self, uv_px: ArrayLike, z_base_m: ArrayLike) -> Vector:
        """Where the rays through the pixels [n, 2] meet the horizontal planes at `z_base_m` (one, or [n]) → [n, 3].

        A ray that never meets its plane in front of the camera gives NaN.
        """
        uv = np.asarray(uv_px, np.float64).reshape(-1, 2)
        rays = (
            np.column_stack([(uv - self.centre_px) / self.focal_px, np.ones(len(uv))])
            @ self.base_from_optical.T
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            way = (np.asarray(z_base_m, np.float64) - self.position_base_m[2]) / rays[:, 2]
        way = np.where(np.isfinite(way) & (way > 0), way, np.nan)
        return np.asarray(self.position_base_m + rays * way[:, None], np.float64)

    def project(self, points_base_m: ArrayLike) -> Vector:
        """Points [n, 3] → pixels [n, 2]; a point that is not in front of the camera gives NaN."""
        points = np.asarray(points_base_m, np.float64).reshape(-1, 3)
        optical = (points - self.position_base_m) @ self.base_from_optical
        depth = np.where(optical[:, 2:] > 0, optical[:, 2:], np.nan)
        return np.asarray(optical[:, :2] / depth * self.focal_px + self.centre_px, np.float64)


def _look(layout: CameraLayout) -> Vector:
    """The rotation of a camera that looks at a point with a given direction upwards in its image."""
    forward = _unit(np.subtract(layout.look_at_base_m, layout.position_base_m), layout)
    up = np.array(layout.image_up_base)
    down = _unit(forward * (up @ forward) - up, layout)
    return np.column_stack([np.cross(down, forward), down, forward])


def _unit(vector: Sequence[float] | Vector, layout: CameraLayout) -> Vector:
    array = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(array))
    if length < 1e-9:
        raise BadInput(
            where="cell.camera",
            got=f"a view from {layout.position_base_m} to {layout.look_at_base_m} with {layout.image_up_base} upwards",
            wanted="two different points, and an image_up_base that is not the line of sight",
            next_step="correct the camera of the use case",
        )
    return array / length
