"""What is kept of an episode for people: a film in H.264, and a log of every control period."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np

from trunnion_edge.sorting import Sorter
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.drawing import Image, caption

FRAME_PERIODS = 8
FRAMES_MAX = 48
FRAME_MS = 200
_QUALITY = {"crf": "26", "preset": "veryfast"}


class Recording:
    """Looks on while an episode is played. Frames are the farther apart the longer it lasts; log lines are not."""

    def __init__(self, period_s: float) -> None:
        self.frames: list[Image] = []
        self._lines: list[str] = []
        self._period_s, self._every = period_s, FRAME_PERIODS

    @property
    def log(self) -> str:
        """One JSON line for each period: time, what the executive is at, and where hand and parts are."""
        return "".join(self._lines)

    def watch(self, now_s: float, cell: SimulatedCell, sorter: Sorter) -> None:
        """Take in one period, before anything moves in it."""
        self._lines.append(json.dumps(_state(now_s, cell, sorter)) + "\n")
        if round(now_s / self._period_s) % self._every:
            return
        if len(self.frames) == FRAMES_MAX:
            self.frames, self._every = self.frames[::2], 2 * self._every
        self.frames.append(caption(cell.render(), f"{now_s:5.1f} s  {sorter.message}"))


def h264(frames_bgr: Sequence[Image], frame_ms: int) -> bytes:
    """Images of one size as an MP4 file, H.264, that browsers play; the same images give the same bytes.

    The format has colours for squares of two pixels: an odd last row or column is left out.
    """
    height, width = (size - size % 2 for size in frames_bgr[0].shape[:2])
    file = io.BytesIO()
    # Without bitexact the file would name the version of its writer.
    with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(1000, frame_ms), options=_QUALITY)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # The number of threads decides where slices end.
        stream.codec_context.thread_count = 1
        for image in frames_bgr:
            picture = np.ascontiguousarray(image[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def _state(now_s: float, cell: SimulatedCell, sorter: Sorter) -> dict[str, object]:
    return {
        "t_s": round(now_s, 3),
        "phase": sorter.phase,
        "message": sorter.message,
        "grasp_point_base_m": _rounded(cell.grasp_point_base_m()),
        "opening_m": round(cell.opening_m(), 5),
        "parts": [[part.kind.label, *_rounded(part.position_base_m())] for part in cell.parts],
    }


def _rounded(position_m: np.ndarray) -> list[float]:
    return [round(value, 5) for value in position_m.tolist()]
