"""Camera images as JPEG, encoded once for all who watch, and only while somebody does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Protocol

import cv2

from trunnion_bridge.doorbell import Doorbell
from trunnion_bridge.models import Camera
from trunnion_bridge.problem import Refused
from trunnion_bridge.readings import Frame

_QUALITY = 85


class Picture(NamedTuple):
    """A JPEG of the frame taken at `stamp_ns`."""

    number: int
    stamp_ns: int
    jpeg: bytes


class FrameSource(Protocol):
    """Where images come from; `frame` may take a millisecond or more, the others take none."""

    @property
    def frames(self) -> int:
        """Images that came so far."""

    def camera(self) -> Camera:
        """Whether images come."""

    def frame(self) -> Frame | None:
        """The latest image."""


class CameraFeed:
    """The latest picture, for any number of single looks and at most `watchers_max` who keep watching.

    A watcher who is slow misses pictures; nothing is kept for them.
    """

    def __init__(
        self, source: FrameSource, watchers_max: int, check_here: Callable[[], object] = lambda: None
    ) -> None:
        self._source = source
        self._check_here = check_here
        self._watchers_max = watchers_max
        self._watchers = 0
        self._latest: Picture | None = None
        self._encoding = asyncio.Lock()

    @property
    def watchers(self) -> int:
        """How many watch."""
        return self._watchers

    async def picture(self) -> Picture:
        """The latest picture.

        Raises:
            Refused: no images come.
        """
        self._check_here()
        picture = await self._encoded()
        if picture is None:
            raise Refused(
                "no-camera",
                where="the camera",
                got="no image lately",
                wanted="images on camera/image_raw",
                next_step="see /v1/state for the node that fell silent, and start it",
            )
        return picture

    def check_room(self) -> None:
        """Raises Refused when as many as may watch already, or when no images come to this bridge."""
        self._check_here()
        if self._watchers >= self._watchers_max:
            raise _too_many(self._watchers)

    async def watch(self, framed: Doorbell) -> AsyncIterator[Picture]:
        """Each picture as it comes; the newest where the watcher was slow. Waits while no images come.

        Raises:
            Refused: as many as may watch already, or another bridge has the camera now.
        """
        self.check_room()
        self._watchers += 1
        try:
            last = 0
            while True:
                self._check_here()
                picture = await self._encoded()
                if picture and picture.number != last:
                    last = picture.number
                    yield picture
                else:
                    await framed.wait(1.0)
        finally:
            self._watchers -= 1

    async def _encoded(self) -> Picture | None:
        async with self._encoding:
            picture = await asyncio.to_thread(self._encode)
            self._latest = picture or self._latest
            return picture

    def _encode(self) -> Picture | None:
        if not self._source.camera().here:
            return None
        if self._latest and self._latest.number == self._source.frames:
            return self._latest
        frame = self._source.frame()
        if frame is None:
            return None
        done, jpeg = cv2.imencode(".jpg", frame.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        return Picture(frame.number, frame.stamp_ns, jpeg.tobytes()) if done else None


def _too_many(watchers: int) -> Refused:
    return Refused(
        "too-many-watchers",
        where="the camera",
        got=f"{watchers} who watch already",
        wanted="fewer",
        next_step="close a page that watches, or ask for /v1/camera.jpg now and then",
    )
