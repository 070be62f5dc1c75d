"""The cell's camera: what PyBullet draws, with the distance and the body behind every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trunnion_contract.cell import CameraLayout
from trunnion_sim.world import World

NEAR_M, FAR_M = 0.03, 4.0


@dataclass(frozen=True)
class Light:
    """One directional light and the surroundings' share; `toward_base` points from the scene to the light."""

    toward_base: tuple[float, float, float] = (-0.35, 0.45, 1.0)
    colour: tuple[float, float, float] = (1.0, 0.98, 0.95)
    ambient: float = 0.52
    diffuse: float = 0.52
    specular: float = 0.25


@dataclass(frozen=True)
class Frame:
    """What the renderer gives for one picture.

    Attributes:
        rgb: uint8 [h, w, 3].
        heights_m: float32 [h, w], height above the base's ground plane of what each pixel shows.
        bodies: int32 [h, w], the body each pixel shows, -1 for none: the table, which fills the picture.
    """

    rgb: np.ndarray
    heights_m: np.ndarray
    bodies: np.ndarray


class CellCamera:
    """A pinhole camera without distortion, `supersampling` times finer than its layout says."""

    def __init__(self, layout: CameraLayout, supersampling: int = 1) -> None:
        self.layout = layout
        self.width_px = layout.width_px * supersampling
        self.height_px = layout.height_px * supersampling
        self.position_base_m = np.array(layout.position_base_m, float)
        self.axes_base = _axes(layout)
        self.focal_px = self.height_px / 2 / np.tan(np.radians(layout.vertical_field_of_view_deg) / 2)
        self._rays_base = self._pixel_rays()

    def capture(self, world: World, light: Light, *, renderer_shadow: bool = False) -> Frame:
        """Draw the world as it stands."""
        bullet, layout = world.bullet, self.layout
        view = bullet.computeViewMatrix(
            layout.position_base_m, layout.look_at_base_m, [float(v) for v in -self.axes_base[1]]
        )
        projection = bullet.computeProjectionMatrixFOV(
            layout.vertical_field_of_view_deg, self.width_px / self.height_px, NEAR_M, FAR_M
        )
        _, _, rgba, depth, bodies = bullet.getCameraImage(
            self.width_px, self.height_px, view, projection, renderer=bullet.ER_TINY_RENDERER,
            lightDirection=light.toward_base, lightColor=light.colour, lightDistance=3.0,
            lightAmbientCoeff=light.ambient, lightDiffuseCoeff=light.diffuse, lightSpecularCoeff=light.specular,
            shadow=int(renderer_shadow),
        )  # fmt: skip
        shape = (self.height_px, self.width_px)
        rgb = np.reshape(np.asarray(rgba, np.uint8), (*shape, 4))[:, :, :3]
        heights_m = self._heights(np.reshape(np.asarray(depth, np.float32), shape))
        return Frame(rgb, heights_m, np.reshape(np.asarray(bodies, np.int32), shape))

    def ground_points_base_m(self, height_m: float) -> np.ndarray:
        """Where each pixel's ray meets the horizontal plane at `height_m`; float32 [h, w, 2]."""
        scale = (height_m - self.position_base_m[2]) / self._rays_base[:, :, 2]
        return (self.position_base_m[:2] + self._rays_base[:, :, :2] * scale[..., None]).astype(np.float32)

    def project(self, points_base_m: np.ndarray) -> np.ndarray:
        """Pixels [n, 2] of points [n, 3]; (0, 0) is the upper left corner of the picture."""
        in_camera = (np.asarray(points_base_m) - self.position_base_m) @ self.axes_base.T
        center = np.array([self.width_px, self.height_px]) / 2
        return in_camera[:, :2] / in_camera[:, 2:] * self.focal_px + center

    def _heights(self, depth: np.ndarray) -> np.ndarray:
        along_axis_m = FAR_M * NEAR_M / (FAR_M - (FAR_M - NEAR_M) * depth)
        return (self.position_base_m[2] + along_axis_m * self._rays_base[:, :, 2]).astype(np.float32)

    def _pixel_rays(self) -> np.ndarray:
        """Per pixel, the ray in base axes whose part along the optical axis is 1; float32 [h, w, 3]."""
        u = (np.arange(self.width_px) + 0.5 - self.width_px / 2) / self.focal_px
        v = (np.arange(self.height_px) + 0.5 - self.height_px / 2) / self.focal_px
        across, below = u.astype(np.float32), v.astype(np.float32)
        right, down, forward = (axis.astype(np.float32) for axis in self.axes_base)
        return across[None, :, None] * right + below[:, None, None] * down + forward


def _axes(layout: CameraLayout) -> np.ndarray:
    """Rows right, down, forward of the camera in base axes (the optical frame of REP 103)."""
    forward = np.subtract(layout.look_at_base_m, layout.position_base_m).astype(float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, layout.image_up_base)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])
