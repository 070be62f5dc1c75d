"""Frames of a recording: which are taken, where they are written, and to which scene they belong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.data_sources import Bag, Video
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import Broken
from trunnion_training.pictures import JPEG_QUALITY
from trunnion_training.sources.export import Corners
from trunnion_training.sources.folder import boxes

# Clocks of cameras jitter; a frame that comes a thousandth early still is that of its moment.
_EARLY_S = 1e-3


class Sampling:
    """Chooses the frames of one recording, given their times in order."""

    def __init__(self, settings: Video | Bag) -> None:
        self._settings = settings
        self._next_s = settings.start_s

    def takes(self, time_s: float) -> bool:
        """Whether the frame at `time_s` after the beginning is taken."""
        if time_s < self._next_s - _EARLY_S or self.is_over(time_s):
            return False
        every_s = self._settings.every_s
        while every_s and self._next_s <= time_s + _EARLY_S:
            self._next_s += every_s
        return True

    def is_over(self, time_s: float) -> bool:
        """Whether no frame from `time_s` on is taken."""
        return self._settings.end_s is not None and time_s >= self._settings.end_s


@dataclass(frozen=True)
class Frame:
    """One frame that was taken.

    Attributes:
        picture: uint8 [h, w, 3] BGR.
        time_s: since the beginning of the recording.
        objects: boxes in pixels with their classes; None where nobody looked.
        recorded_s: since 1970, where the recording knows.
    """

    picture: NDArray[np.uint8]
    time_s: float
    objects: list[tuple[Corners, str]] | None
    recorded_s: float | None = None


def write_frame(frame: Frame, recording: str, out_dir: Path, scene_s: float | None) -> LabelledImage:
    """Write `out_dir/RECORDING/MILLISECONDS.jpg` and give it with its labels."""
    folder = out_dir / recording.replace("/", "_")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{round(frame.time_s * 1000):09d}.jpg"
    done, data = cv2.imencode(".jpg", frame.picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise Broken(
            where=str(target),
            got="a frame that JPEG cannot hold",
            wanted="a picture",
            next_step="leave it out",
        )
    target.write_bytes(data.tobytes())
    objects = frame.objects or []
    scene = recording if scene_s is None else f"{recording}/{int(frame.time_s // scene_s)}"
    return LabelledImage(
        target, boxes([corners for corners, _ in objects]), tuple(label for _, label in objects), scene,
        is_labelled=frame.objects is not None, recorded_s=frame.recorded_s,
    )  # fmt: skip
