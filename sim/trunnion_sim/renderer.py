"""Pictures of the cell as its camera sees them: scenery and moving things drawn apart, then lit together.

TinyRenderer's time goes into filling pixels, and the scenery fills most of them. It never moves, so it is drawn once
for a camera and a look, and arm and parts are laid over it by their height.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from trunnion_contract.cell import CameraLayout, CellLayout
from trunnion_sim.camera import CellCamera, Frame, Light
from trunnion_sim.scenery import Palette, build_scenery
from trunnion_sim.shading import cast_shadows, occlusion
from trunnion_sim.textures import Texture
from trunnion_sim.world import World

SUPERSAMPLING = 2


@dataclass(frozen=True)
class Look:
    """Everything about a picture that is not where things are."""

    light: Light = field(default_factory=Light)
    palette: Palette = field(default_factory=Palette)
    table: Texture = field(default_factory=lambda: Texture("grain", 0.05, 0.6, seed=3))
    tray: Texture = field(default_factory=lambda: Texture("brushed", 0.05, 0.25, seed=5))
    shadow: float = 0.45
    occlusion: float = 0.45
    exposure: float = 1.0


@dataclass(frozen=True)
class Picture:
    """A finished picture.

    Attributes:
        image_bgr: uint8 [h, w, 3].
        bodies: int32 [h * s, w * s], the moving body behind each fine pixel, -1 for scenery; s is the supersampling.
    """

    image_bgr: np.ndarray
    bodies: np.ndarray


class Renderer:
    """Draws one world from one camera in one look; `world` holds the moving things, the scenery comes from `layout`."""

    def __init__(
        self,
        layout: CellLayout,
        look: Look,
        camera: CameraLayout | None = None,
        supersampling: int = SUPERSAMPLING,
    ) -> None:
        self.look = look
        self.supersampling = supersampling
        self.camera = CellCamera(camera or layout.camera, supersampling)
        self._layout = layout
        self._backdrop: Frame | None = None

    def picture(self, world: World) -> Picture:
        """Draw the world as it stands."""
        if self._backdrop is None:
            self._backdrop = _draw_scenery(self._layout, self.camera, self.look)
        moving = self.camera.capture(world, self.look.light)
        visible = (moving.bodies >= 0) & (moving.heights_m > self._backdrop.heights_m)
        rgb = np.where(visible[..., None], moving.rgb, self._backdrop.rgb)
        heights_m = np.where(visible, moving.heights_m, self._backdrop.heights_m)
        bodies = np.where(visible, moving.bodies, -1)
        return Picture(self._lit(rgb, heights_m), bodies)

    def _lit(self, rgb: np.ndarray, heights_m: np.ndarray) -> np.ndarray:
        size = (self.camera.layout.width_px, self.camera.layout.height_px)
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        heights_m = cv2.resize(heights_m, size, interpolation=cv2.INTER_NEAREST)
        shade = 1 - self.look.occlusion * occlusion(heights_m)
        shade *= 1 - self.look.shadow * cast_shadows(heights_m, *self._light_in_picture())
        lit = small[:, :, ::-1] * (self.look.exposure * shade)[..., None]
        return np.clip(lit + 0.5, 0, 255).astype(np.uint8)

    def _light_in_picture(self) -> tuple[tuple[float, float], float]:
        """The light's direction along the ground in the picture, and its rise in metres per pixel of ground."""
        light = np.array(self.look.light.toward_base, float)
        pinhole = self.camera.pinhole
        along = np.array([light[0], light[1], 0.0]) @ pinhole.base_from_optical[:, :2]
        length = max(float(np.linalg.norm(along)), 1e-9)
        metres_per_px = pinhole.position_base_m[2] / pinhole.focal_px[0] * self.supersampling
        rise = float(light[2] / max(np.hypot(light[0], light[1]), 1e-9)) * metres_per_px
        return (float(along[0] / length), float(along[1] / length)), rise


def _draw_scenery(layout: CellLayout, camera: CellCamera, look: Look) -> Frame:
    """Tray and bins by the renderer; the table, which is one plane in one light, by arithmetic."""
    with World() as world:
        scenery = build_scenery(world, layout, visible=True)
        scenery.paint(world, look.palette)
        frame = camera.capture(world, look.light)
    points_m = camera.ground_points_base_m(layout.tray.center_base_m[2])
    table = frame.bodies < 0
    rgb = np.where(table[..., None], _lit_plane(look), frame.rgb).astype(np.float32)
    for mask, texture in ((table, look.table), (frame.bodies == scenery.tray, look.tray)):
        rgb *= np.where(mask, texture.brightness(points_m), np.float32(1))[..., None]
    heights_m = np.where(table, np.float32(0), frame.heights_m)
    return Frame(np.clip(rgb + 0.5, 0, 255).astype(np.uint8), heights_m, frame.bodies)


def _lit_plane(look: Look) -> np.ndarray:
    """The table's colour in the light, RGB in 0..255, by the renderer's own reflection model without the highlight."""
    light = look.light
    facing = light.toward_base[2] / np.linalg.norm(light.toward_base)
    return (
        255 * np.array(look.palette.table) * np.array(light.colour) * (light.ambient + light.diffuse * facing)
    )
