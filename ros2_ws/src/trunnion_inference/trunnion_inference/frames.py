"""The newest frames of each camera, handed over from who receives to who detects. No ROS."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Frame:
    """A message as it came, still serialised: one that a newer one replaces costs no more than that.

    `put_s` is of `time.perf_counter`.
    """

    camera: str
    data: bytes
    put_s: float = field(default=0.0, compare=False)


class NewestFrames:
    """A queue of `depth` frames for each camera; a newer one takes the place of the oldest that waits, and is counted.

    So above capacity a frame waits for a bounded number of others. Cameras with a waiting frame take turns: who was
    served goes to the end of the row.
    """

    def __init__(self, cameras: Sequence[str], depth: int = 1) -> None:
        self._depth = depth
        self._waiting: dict[str, deque[Frame]] = {camera: deque() for camera in cameras}
        self._row = list(cameras)
        self._replaced = dict.fromkeys(cameras, 0)
        self._is_open = False
        self._changed = threading.Condition()

    def open(self) -> None:
        """Let frames in, first of all new ones, and count from 0."""
        with self._changed:
            for waiting in self._waiting.values():
                waiting.clear()
            self._replaced = dict.fromkeys(self._replaced, 0)
            self._is_open = True

    def close(self) -> None:
        """Let no more in, and end the wait of who takes."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def hold(self, depth: int) -> None:
        """Let so many frames of each camera wait from now on; those too many give way at the next one."""
        with self._changed:
            self._depth = depth

    def put(self, camera: str, data: bytes) -> bool:
        """Offer a camera's newest frame; False while the queue is closed."""
        with self._changed:
            if not self._is_open:
                return False
            waiting = self._waiting[camera]
            while len(waiting) >= self._depth:
                waiting.popleft()
                self._replaced[camera] += 1
            waiting.append(Frame(camera, data, time.perf_counter()))
            self._changed.notify()
            return True

    def take(self) -> Frame | None:
        """Wait for the frame whose turn it is, a camera's oldest first; None once the queue is closed."""
        return next(iter(self.take_many(1)), None)

    def take_many(self, most: int) -> list[Frame]:
        """As `take`, and with it those that wait already, `most` together; none once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_open or any(self._waiting.values()))
            frames: list[Frame] = []
            while self._is_open and len(frames) < most and any(self._waiting.values()):
                frames.append(self._next())
            return frames

    def replaced(self, camera: str) -> int:
        """How many frames of a camera gave way to a newer one since the queue was opened."""
        return self._replaced[camera]

    def _next(self) -> Frame:
        camera = next(name for name in self._row if self._waiting[name])
        self._row.remove(camera)
        self._row.append(camera)
        return self._waiting[camera].popleft()


class Arrivals:
    """Counts frames that were published and never came here, by the numbers that the middleware gives them.

    Also those that gave way to newer ones in the middleware's own queue.
    """

    def __init__(self) -> None:
        self.count = 0
        self.lost = 0
        self._last: int | None = None

    def note(self, number: int | None, publishers: int) -> None:
        """A frame has come. Several publishers have numbers of their own, and some middleware has none: no count."""
        self.count += 1
        last, self._last = self._last, number if publishers == 1 else None
        # A number that is not larger is that of a publisher that started anew.
        if last is not None and self._last is not None and self._last > last:
            self.lost += self._last - last - 1

    def reset(self) -> None:
        """Count from 0; what is missed until the next frame is not counted."""
        self.count, self.lost, self._last = 0, 0, None
