"""From the pixels of a camera to lines of sight, as a calibration (`sensor_msgs/CameraInfo`) describes them.

Image coordinates are those of boxes: (0, 0) is the outer corner of the first pixel, whose centre is at (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trunnion_contract.errors import BadInput

Vector = NDArray[np.float64]
# How many coefficients of OpenCV's model (k1 k2 p1 p2 k3 k4 k5 k6) each of ROS's models has.
DISTORTION_MODELS: Mapping[str, int] = {"plumb_bob": 5, "rational_polynomial": 8}
# The matrix of CameraInfo puts whole numbers on pixel centres, boxes on pixel corners.
CORNER_PX = 0.5
_ITERATIONS = 100
# A pixel whose line of sight is not found so closely has none.
_ERROR_MAX_PX = 0.05


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera, with its lens.

    Attributes:
        width_px, height_px: the image as it is delivered.
        focal_px: focal length in pixels, along x and y.
        centre_px: where the optical axis meets the image, in coordinates of boxes.
        distortion: k1 k2 p1 p2 k3 k4 k5 k6 of OpenCV's model; empty for a lens without distortion.
    """

    width_px: int
    height_px: int
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, ...] = ()

    @classmethod
    def from_matrix(cls, matrix: ArrayLike, width_px: int, height_px: int, *, name: str = "k") -> Intrinsics:
        """Of a matrix with nine values, row by row, for an image of that size and without distortion.

        A refusal calls the matrix by its `name`.

        Raises:
            BadInput: it is not the matrix of a pinhole camera.
        """
        k = np.asarray(matrix, np.float64).reshape(-1)
        if k.size != 9 or not np.isfinite(k).all() or min(k[0], k[4]) <= 0 or min(width_px, height_px) <= 0:
            raise _refused(
                f"{name} = {k.tolist()}, {width_px} x {height_px}",
                "nine finite values with positive focal lengths, and an image size",
            )
        if k[1] != 0:
            raise _refused(f"{name} = {k.tolist()}", "a camera whose pixels are not skewed")
        centre_px = (float(k[2]) + CORNER_PX, float(k[5]) + CORNER_PX)
        return cls(width_px, height_px, (float(k[0]), float(k[4])), centre_px)

    def with_distortion(self, model: str, coefficients: Sequence[float]) -> Intrinsics:
        """The same camera behind such a lens; coefficients that are all 0, or none, are no distortion.

        Raises:
            BadInput: a model that is not in DISTORTION_MODELS, or coefficients that it does not have.
        """
        values = np.asarray(coefficients, np.float64)
        if model not in DISTORTION_MODELS and (model or values.any()):
            raise _refused(f"distortion_model '{model}'", f"one of {', '.join(DISTORTION_MODELS)}")
        count = DISTORTION_MODELS.get(model, 0)
        # Some drivers write the longest form of OpenCV's model, with zeros for what their lens has not.
        if not np.isfinite(values).all() or values[count:].any():
            raise _refused(f"d = {values.tolist()}", f"at most {count} finite coefficients of {model}")
        padded = np.pad(values[:count], (0, 8 - len(values[:count])))
        return replace(self, distortion=tuple(padded.tolist()) if padded.any() else ())

    def cut_to(self, left_px: int, top_px: int, width_px: int, height_px: int) -> Intrinsics:
        """The camera of that region of the image (`CameraInfo.roi`).

        Raises:
            BadInput: the region is not inside the image.
        """
        if min(left_px, top_px) < 0 or min(width_px, height_px) < 1 or (
            left_px + width_px > self.width_px or top_px + height_px > self.height_px
        ):  # fmt: skip
            raise _refused(
                f"a region of {width_px} x {height_px} at ({left_px}, {top_px})",
                f"one inside the image of {self.width_px} x {self.height_px}",
            )
        centre_px = (self.centre_px[0] - left_px, self.centre_px[1] - top_px)
        return replace(self, width_px=width_px, height_px=height_px, centre_px=centre_px)

    def binned(self, columns: int, rows: int) -> Intrinsics:
        """The camera whose pixels are so many of this one's put together.

        Raises:
            BadInput: fewer than one, or more than there are.
        """
        if not (1 <= columns <= self.width_px and 1 <= rows <= self.height_px):
            raise _refused(f"binning of {columns} x {rows}", "1 x 1 or more, within the image")
        (fx, fy), (cx, cy) = self.focal_px, self.centre_px
        return replace(
            self,
            width_px=self.width_px // columns,
            height_px=self.height_px // rows,
            focal_px=(fx / columns, fy / rows),
            centre_px=(cx / columns, cy / rows),
        )

    def rays(self, uv_px: ArrayLike) -> Vector:
        """Where the lines of sight of pixels [..., 2] pass at a distance of 1 along the optical axis → x, y [..., 2].

        A pixel that no line of sight meets, because the lens model folds there, gives NaN.
        """
        seen = (np.asarray(uv_px, np.float64) - self.centre_px) / self.focal_px
        return self._undistorted(seen) if self.distortion else seen

    def _undistorted(self, seen: Vector) -> Vector:
        """The inverse of `_distorted`, by fixed-point iteration."""
        with np.errstate(all="ignore"):
            rays = seen
            for _ in range(_ITERATIONS):
                stretch, shift = self._lens(rays)
                rays = (seen - shift) / stretch
            stretch, shift = self._lens(rays)
            error_px = np.abs(rays * stretch + shift - seen) * self.focal_px
            # Written so that NaN is too large.
            found = (error_px <= _ERROR_MAX_PX).all(axis=-1, keepdims=True) & (stretch > 0)
            return np.where(found, rays, np.nan)

    def _lens(self, rays: Vector) -> tuple[Vector, Vector]:
        """What a lens does to rays [..., 2]: it takes them to `rays * stretch [..., 1] + shift [..., 2]`."""
        k1, k2, p1, p2, k3, k4, k5, k6 = self.distortion
        x, y = rays[..., 0], rays[..., 1]
        r2 = x * x + y * y
        stretch = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
        shift = np.stack(
            [2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=-1
        )
        return stretch[..., None], shift


def _refused(got: str, wanted: str) -> BadInput:
    return BadInput(
        where="camera_info",
        got=got,
        wanted=wanted,
        next_step="calibrate the camera, or correct its driver's parameters",
    )
