"""Pictures of the cell as its camera sees them: scenery and moving things drawn apart, then lit together.

TinyRenderer's time goes into filling pixels, and the scenery fills most of them. It never moves, so it is drawn once
for a camera and a look, and arm and parts are laid over it by their height.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from trunnion_contract.cell import CameraLayout, CellLayout
from trunnion_sim.camera import CellCamera
from trunnion_sim.scenery import Palette, build_scenery
from trunnion_sim.shading import cast_shadows, occlusion
from trunnion_sim.textures import Texture
from trunnion_sim.view import Frame, Light
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


# Without shadows, which a policy that looks at small pictures can do without, and which take time.
PLAIN = Look(shadow=0.0, occlusion=0.0)


@dataclass(frozen=True)
class Picture:
    """A finished picture.

    Attributes:
        image_bgr: uint8 [h, w, 3].
        bodies: int32 [h * s, w * s], the moving body behind each fine pixel, or -1; s is the supersampling.
        seen: bool [h * s, w * s], whether the moving body is before the scenery.
    """

    image_bgr: np.ndarray
    bodies: np.ndarray
    seen: np.ndarray

    def mask(self, body: int) -> np.ndarray:
        """Where that body is seen; bool [h * s, w * s]."""
        return (self.bodies == body) & self.seen


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
        seen = moving.depth < self._backdrop.depth
        rgba = cv2.copyTo(moving.rgba, seen.view(np.uint8), self._backdrop.rgba.copy())
        bgr = self._shrunk(rgba)
        if self.look.shadow or self.look.occlusion:
            bgr = self._shaded(bgr, np.minimum(moving.depth, self._backdrop.depth))
        elif self.look.exposure != 1:
            bgr = cv2.convertScaleAbs(bgr, alpha=self.look.exposure)
        return Picture(bgr, moving.bodies, seen)

    def _shrunk(self, rgba: np.ndarray) -> np.ndarray:
        if self.supersampling > 1:
            size = (self.camera.layout.width_px, self.camera.layout.height_px)
            rgba = cv2.resize(rgba, size, interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR)

    def _shaded(self, bgr: np.ndarray, depth: np.ndarray) -> np.ndarray:
        heights_m = self.camera.heights_m(depth, every=self.supersampling)
        shade = 1 - np.float32(self.look.occlusion) * occlusion(heights_m)
        shade *= 1 - np.float32(self.look.shadow) * cast_shadows(heights_m, *self._light_in_picture())
        return cv2.multiply(bgr, cv2.merge([shade] * 3), scale=self.look.exposure, dtype=cv2.CV_8U)

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
    rgba = np.where(table[..., None], _lit_plane(look), frame.rgba).astype(np.float32)
    for mask, texture in ((table, look.table), (frame.bodies == scenery.tray, look.tray)):
        rgba *= np.where(mask, texture.brightness(points_m), np.float32(1))[..., None]
    depth = np.where(table, camera.ground_depth(), frame.depth)
    return Frame(np.clip(rgba + 0.5, 0, 255).astype(np.uint8), depth, frame.bodies)


def _lit_plane(look: Look) -> np.ndarray:
    """The table's RGBA in the light, in 0..255, by the renderer's own reflection model without the highlight."""
    light = look.light
    facing = light.toward_base[2] / np.linalg.norm(light.toward_base)
    rgb = np.array(look.palette.table) * light.colour * (light.ambient + light.diffuse * facing)
    return 255 * np.array([*rgb, 1.0])
