"""What a node says about its own speed."""

from __future__ import annotations

from collections import deque

import numpy as np


class Timings:
    """The last durations of something, and their percentiles. One thread adds, any may ask."""

    def __init__(self, window: int = 200) -> None:
        self._last_ms: deque[float] = deque(maxlen=window)
        self.count = 0

    def add(self, duration_ms: float) -> None:
        """Take one duration; the oldest of a full window is forgotten."""
        self._last_ms.append(duration_ms)
        self.count += 1

    def percentile_ms(self, percent: float) -> float:
        """The percentile (0 to 100) of the window; NaN while it is empty."""
        last_ms = tuple(self._last_ms)
        return float(np.percentile(last_ms, percent)) if last_ms else float("nan")

    def summary(self) -> dict[str, float]:
        """Count, median, p95, p99 and largest of the window, by name; only the count while there is nothing else."""
        last_ms = tuple(self._last_ms)
        if not last_ms:
            return {"count": 0}
        p50_ms, p95_ms, p99_ms = np.percentile(last_ms, (50, 95, 99))
        return {
            "count": self.count,
            "p50_ms": float(p50_ms),
            "p95_ms": float(p95_ms),
            "p99_ms": float(p99_ms),
            "max_ms": max(last_ms),
        }


class Rate:
    """How often something happens, over the last seconds. One thread ticks, any may ask."""

    def __init__(self, window_s: float = 5.0) -> None:
        self._window_s = window_s
        self._times_s: deque[float] = deque()

    def tick(self, now_s: float) -> None:
        """It happened now."""
        self._times_s.append(now_s)
        while self._times_s[0] < now_s - self._window_s:
            self._times_s.popleft()

    def per_second(self, now_s: float) -> float:
        """Intervals per second between the first and the last within the window; 0 for fewer than two."""
        times_s = [time_s for time_s in tuple(self._times_s) if time_s >= now_s - self._window_s]
        if len(times_s) < 2 or times_s[-1] <= times_s[0]:
            return 0.0
        return (len(times_s) - 1) / (times_s[-1] - times_s[0])
