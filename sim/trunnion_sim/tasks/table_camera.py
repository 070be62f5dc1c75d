"""Small pictures of a task, from in front of the table: no shadows, no supersampling, as fast as they can be had."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.cell import CameraLayout
from trunnion_contract.errors import BadInput
from trunnion_sim.camera import CellCamera
from trunnion_sim.view import Light
from trunnion_sim.world import World

SIDE_MIN_PX, SIDE_MAX_PX = 16, 2048


class TableCamera:
    """A camera that sees the working area, the goal and the hand.

    Raises:
        BadInput: a side that no picture has.
    """

    def __init__(self, side_px: int) -> None:
        if not SIDE_MIN_PX <= side_px <= SIDE_MAX_PX:
            raise BadInput(
                where="image_size_px", got=str(side_px), wanted=f"{SIDE_MIN_PX} to {SIDE_MAX_PX}",
                next_step="correct image_size_px",
            )  # fmt: skip
        layout = CameraLayout(
            width_px=side_px, height_px=side_px, vertical_field_of_view_deg=45,
            position_base_m=(0.65, 0.0, 0.50), look_at_base_m=(-0.05, 0.0, 0.10), image_up_base=(0.0, 0.0, 1.0),
        )  # fmt: skip
        self._camera, self._light = CellCamera(layout), Light(toward_base=(0.6, 0.4, 1.0))

    def picture(self, world: World) -> NDArray[np.uint8]:
        """The world as it stands, uint8 [s, s, 3], RGB."""
        rgba = self._camera.capture(world, self._light).rgba
        return np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB))
