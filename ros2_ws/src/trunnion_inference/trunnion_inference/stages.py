"""Where the time of a frame goes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from trunnion_edge.telemetry import Timings


@dataclass
class Stages:
    """The last durations of each stage; `latency` is from a frame's stamp until its detections are published.

    One thread adds, another asks.
    """

    image: Timings = field(default_factory=Timings)
    detect: Timings = field(default_factory=Timings)
    publish: Timings = field(default_factory=Timings)
    latency: Timings = field(default_factory=Timings)
    _whole: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, marks_s: list[float], latency_ms: float) -> None:
        """One frame: when it was taken up, decoded, detected in and published, and how old it was then."""
        stages = zip((self.image, self.detect, self.publish), marks_s[:-1], marks_s[1:], strict=True)
        with self._whole:
            for timings, begin_s, end_s in stages:
                timings.add((end_s - begin_s) * 1e3)
            self.latency.add(latency_ms)

    def values(self) -> dict[str, str]:
        """Medians and 99th percentiles in milliseconds, for /diagnostics."""
        stages = {
            "image": self.image,
            "detect": self.detect,
            "publish": self.publish,
            "latency": self.latency,
        }
        with self._whole:
            summaries = {name: timings.summary() for name, timings in stages.items()}
        return {
            f"{name}_{key}": f"{value:.2f}"
            for name, summary in summaries.items()
            for key, value in summary.items()
            if key in ("p50_ms", "p99_ms")
        }
