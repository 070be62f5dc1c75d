"""What is kept of an episode for people: a film in H.264, and a log of every control period."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np

from trunnion_sim.drawing import Image, caption, enlarged
from trunnion_sim.moment import Moment

FRAME_PERIODS = 8
FRAMES_MAX = 48
FRAME_MS = 200
# libx264's assembly sums in another order on each kind of CPU, and over memory that nobody filled.
_QUALITY = {"crf": "26", "preset": "veryfast", "x264-params": "no-asm=1"}


class Recording:
    """Looks on while an episode is played. Frames are the farther apart the longer it lasts; log lines are not.

    Args:
        every: periods from one frame to the next, to begin with.
    """

    def __init__(self, every: int = FRAME_PERIODS) -> None:
        self.frames: list[Image] = []
        self._lines: list[str] = []
        self._every = every

    @property
    def log(self) -> str:
        """One JSON line for each period: the state of its moment."""
        return "".join(self._lines)

    def watch(self, moment: Moment) -> None:
        """Take in one period; where nothing is drawn, only its log is kept."""
        period = len(self._lines)
        self._lines.append(json.dumps(moment.state()) + "\n")
        if period % self._every or (picture := moment.picture()) is None:
            return
        if len(self.frames) == FRAMES_MAX:
            self.frames, self._every = self.frames[::2], 2 * self._every
        self.frames.append(caption(enlarged(picture), f"{moment.now_s:5.1f} s  {moment.message}"))


def h264(frames_bgr: Sequence[Image], frame_ms: int) -> bytes:
    """Images of one size as an MP4 file, H.264, that browsers play; the same images give the same bytes.

    The film's comment is the SHA-256 of the images themselves.

    The format has colours for squares of two pixels: an odd last row or column is left out.
    """
    height, width = (size - size % 2 for size in frames_bgr[0].shape[:2])
    file = io.BytesIO()
    # Without bitexact the file would name the version of its writer.
    with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        container.metadata["comment"] = hashlib.sha256(
            b"".join(map(np.ndarray.tobytes, frames_bgr))
        ).hexdigest()
        stream = container.add_stream("libx264", rate=Fraction(1000, frame_ms), options=_QUALITY)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # The number of threads decides where slices end.
        stream.codec_context.thread_count = 1
        for image in frames_bgr:
            picture = np.ascontiguousarray(image[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return file.getvalue()
