"""The cell's camera: what PyBullet draws, with the distance and the body behind every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trunnion_contract.cell import CameraLayout
from trunnion_edge.camera import PinholeCamera
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
        rgba: uint8 [h, w, 4].
        depth: float32 [h, w] in 0..1, the depth buffer; nearer is less, and 1 is nothing there.
        bodies: int32 [h, w], the body each pixel shows, -1 for none.
    """

    rgba: np.ndarray
    depth: np.ndarray
    bodies: np.ndarray


class CellCamera:
    """The cell's pinhole camera, `supersampling` times finer than its layout says."""

    def __init__(self, layout: CameraLayout, supersampling: int = 1) -> None:
        size = {"width_px": layout.width_px * supersampling, "height_px": layout.height_px * supersampling}
        self.layout = layout
        self.pinhole = PinholeCamera.from_layout(layout.model_copy(update=size))
        self._rays_base = _pixel_rays(self.pinhole)

    def capture(self, world: World, light: Light, *, renderer_shadow: bool = False) -> Frame:
        """Draw the world as it stands."""
        bullet, layout, pinhole = world.bullet, self.layout, self.pinhole
        up = (-pinhole.base_from_optical[:, 1]).tolist()
        view = bullet.computeViewMatrix(layout.position_base_m, layout.look_at_base_m, up)
        projection = list(bullet.computeProjectionMatrixFOV(
            layout.vertical_field_of_view_deg, pinhole.width_px / pinhole.height_px, NEAR_M, FAR_M
        ))  # fmt: skip
        # TinyRenderer samples a pixel at its lower left corner; a pinhole camera means its middle.
        projection[8] += 1 / pinhole.width_px
        projection[9] += 1 / pinhole.height_px
        _, _, rgba, depth, bodies = bullet.getCameraImage(
            pinhole.width_px, pinhole.height_px, view, projection, renderer=bullet.ER_TINY_RENDERER,
            lightDirection=light.toward_base, lightColor=light.colour, lightDistance=3.0,
            lightAmbientCoeff=light.ambient, lightDiffuseCoeff=light.diffuse, lightSpecularCoeff=light.specular,
            shadow=int(renderer_shadow),
        )  # fmt: skip
        shape = (pinhole.height_px, pinhole.width_px)
        return Frame(
            np.reshape(np.asarray(rgba, np.uint8), (*shape, 4)),
            np.reshape(np.asarray(depth, np.float32), shape),
            np.reshape(np.asarray(bodies, np.int32), shape),
        )

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
