"""What was last heard from the robot, and how often, without keeping anything older."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")
STALE_AFTER_S = 1.5


@dataclass(frozen=True)
class Heard(Generic[Value]):
    """The `number`th value and when it came."""

    value: Value
    heard_s: float
    number: int

    def age_ms(self, now_s: float) -> int:
        """How old it is."""
        return max(0, int((now_s - self.heard_s) * 1000))

    def fresh(self, now_s: float) -> bool:
        """Whether its sender may still be believed to be there."""
        return now_s - self.heard_s <= STALE_AFTER_S


class Slot(Generic[Value]):
    """Holds the latest value. One thread puts, any thread looks: the swap of the reference is atomic."""

    def __init__(self) -> None:
        self._heard: Heard[Value] | None = None

    def put(self, value: Value, now_s: float) -> None:
        """Replace what was there."""
        number = self._heard.number + 1 if self._heard else 1
        self._heard = Heard(value, now_s, number)

    def look(self) -> Heard[Value] | None:
        """The latest value, None before the first."""
        return self._heard


class Rate:
    """Messages per second over the last few seconds."""

    def __init__(self, window_s: float = 3.0) -> None:
        self._window_s = window_s
        self._times_s: deque[float] = deque(maxlen=512)

    def tick(self, now_s: float) -> None:
        """A message came."""
        self._times_s.append(now_s)

    def per_second(self, now_s: float) -> float:
        """The mean rate; zero when nothing came within the window."""
        times_s = [time_s for time_s in list(self._times_s) if now_s - time_s <= self._window_s]
        if len(times_s) < 2 or now_s - times_s[-1] > 1.0:
            return 0.0
        return (len(times_s) - 1) / max(times_s[-1] - times_s[0], 1e-6)


class Frame(NamedTuple):
    """A camera image: uint8 [h, w, 3] BGR."""

    number: int
    stamp_ns: int
    image_bgr: NDArray[np.uint8]
