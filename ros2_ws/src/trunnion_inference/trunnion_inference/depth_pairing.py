"""Which depth image belongs to which detections. No ROS."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

D = TypeVar("D")
P = TypeVar("P")


@dataclass(frozen=True)
class Pair(Generic[D, P]):
    """Detections and the depth image that belongs to them; `depth` is None where there is none near enough.

    Attributes:
        apart_ms: how much later than the detections' image the nearest depth image was taken; None where there is none.
    """

    detections: D
    depth: P | None
    apart_ms: float | None


class DepthPairing(Generic[D, P]):
    """Pairs detections with the depth image of the same stamp, or else with the nearest one.

    Detections wait until a depth image of their stamp or a later one is there, because then no nearer one comes; and no
    longer than `wait_ms`. They are answered in the order in which they came.

    Args:
        apart_max_ms: a depth image whose stamp is farther away belongs to nothing.
        wait_ms: how long detections wait.
        keep: how many depth images are kept.
    """

    def __init__(self, apart_max_ms: float, wait_ms: float, keep: int) -> None:
        self._apart_max_ms = apart_max_ms
        self._wait_s = wait_ms / 1e3
        self._depths: deque[tuple[int, P]] = deque(maxlen=keep)
        self._waiting: deque[tuple[int, D, float]] = deque()

    def add_depth(self, stamp_ns: int, depth: P) -> None:
        """A depth image has come. One before the last (a bag that begins again) starts anew."""
        if self._depths and stamp_ns < self._depths[-1][0]:
            self._depths.clear()
        self._depths.append((stamp_ns, depth))

    def add_detections(self, stamp_ns: int, detections: D, now_s: float) -> None:
        """Detections have come."""
        self._waiting.append((stamp_ns, detections, now_s))

    def ready(self, now_s: float) -> Iterator[Pair[D, P]]:
        """Those that need to wait no longer; each is given once."""
        while self._waiting:
            stamp_ns, detections, came_s = self._waiting[0]
            is_passed = bool(self._depths) and self._depths[-1][0] >= stamp_ns
            if not is_passed and now_s - came_s < self._wait_s:
                return
            self._waiting.popleft()
            yield self._pair(stamp_ns, detections)

    def _pair(self, stamp_ns: int, detections: D) -> Pair[D, P]:
        if not self._depths:
            return Pair(detections, None, None)
        nearest_ns, depth = min(self._depths, key=lambda kept: abs(kept[0] - stamp_ns))
        apart_ms = (nearest_ns - stamp_ns) / 1e6
        return Pair(detections, depth if abs(apart_ms) <= self._apart_max_ms else None, apart_ms)
