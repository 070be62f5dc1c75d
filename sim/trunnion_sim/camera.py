"""The cell's camera: what the renderer draws, with the distance and the body behind every pixel."""

from __future__ import annotations

import numpy as np

from trunnion_contract.cell import CameraLayout
from trunnion_edge.camera import PinholeCamera
from trunnion_sim.view import Frame, Light, View
from trunnion_sim.world import World

NEAR_M, FAR_M = 0.03, 4.0


class CellCamera:
    """The cell's pinhole camera, `supersampling` times finer than its layout says."""

    def __init__(self, layout: CameraLayout, supersampling: int = 1) -> None:
        size = {"width_px": layout.width_px * supersampling, "height_px": layout.height_px * supersampling}
        self.layout = layout
        self.pinhole = PinholeCamera.from_layout(layout.model_copy(update=size))
        self._rays_base = _pixel_rays(self.pinhole)
        self._view = View(
            layout.position_base_m, layout.look_at_base_m, tuple((-self.pinhole.base_from_optical[:, 1]).tolist()),
            layout.vertical_field_of_view_deg, NEAR_M, FAR_M, self.pinhole.width_px, self.pinhole.height_px,
        )  # fmt: skip

    def capture(self, world: World, light: Light) -> Frame:
        """Draw the world as it stands."""
        return world.picture(self._view, light)

    def heights_m(self, depth: np.ndarray, every: int = 1) -> np.ndarray:
        """Height above the base's ground plane of what `every`-th row and column shows, from a depth buffer."""
        along_axis_m = FAR_M * NEAR_M / (FAR_M - (FAR_M - NEAR_M) * depth[::every, ::every])
        return along_axis_m * self._rays_base[::every, ::every, 2] + np.float32(
            self.pinhole.position_base_m[2]
        )

    def ground_depth(self) -> np.ndarray:
        """The depth buffer of an endless plane at height 0; float32 [h, w]."""
        along_axis_m = -np.float32(self.pinhole.position_base_m[2]) / self._rays_base[:, :, 2]
        return (FAR_M - FAR_M * NEAR_M / along_axis_m) / (FAR_M - NEAR_M)

    def ground_points_base_m(self, height_m: float) -> np.ndarray:
        """Where each pixel's ray meets the horizontal plane at `height_m`; float32 [h, w, 2]."""
        eye = self.pinhole.position_base_m.astype(np.float32)
        scale = (np.float32(height_m) - eye[2]) / self._rays_base[:, :, 2]
        return eye[:2] + self._rays_base[:, :, :2] * scale[..., None]


def _pixel_rays(pinhole: PinholeCamera) -> np.ndarray:
    """Per pixel, the ray in base axes whose part along the optical axis is 1; float32 [h, w, 3]."""
    right, down, forward = pinhole.base_from_optical.T.astype(np.float32)
    across = ((np.arange(pinhole.width_px) + 0.5 - pinhole.centre_px[0]) / pinhole.focal_px[0]).astype(
        np.float32
    )
    below = ((np.arange(pinhole.height_px) + 0.5 - pinhole.centre_px[1]) / pinhole.focal_px[1]).astype(
        np.float32
    )
    return across[None, :, None] * right + below[:, None, None] * down + forward
