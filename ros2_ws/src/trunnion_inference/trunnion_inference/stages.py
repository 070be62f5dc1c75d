"""Where the time of a frame goes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from trunnion_edge.telemetry import Timings

STAGES: Final = ("wait", "decode", "preprocess", "infer", "postprocess", "publish", "latency")
_SHOWN = ("p50_ms", "p95_ms", "p99_ms")


class Stages:
    """The last durations of each stage of STAGES. One thread adds, another asks.

    `wait` is from the arrival of a frame until it is taken up, `decode` from the message to the picture, `postprocess`
    from the network's output to boxes; `latency` is from a frame's stamp until its detections are published. Frames
    that went through the network together share its time.
    """

    def __init__(self) -> None:
        self._timings = {name: Timings() for name in STAGES}
        self._whole = threading.Lock()

    @property
    def frames(self) -> int:
        """How many were answered."""
        return self._timings["publish"].count

    def add(self, durations_ms: Mapping[str, float]) -> None:
        """One frame."""
        with self._whole:
            for name, timings in self._timings.items():
                timings.add(durations_ms[name])

    def values(self) -> dict[str, str]:
        """Medians, 95th and 99th percentiles in milliseconds, for /diagnostics."""
        with self._whole:
            summaries = {name: timings.summary() for name, timings in self._timings.items()}
        return {
            f"{name}_{key}": f"{summary[key]:.2f}"
            for name, summary in summaries.items()
            for key in _SHOWN
            if key in summary
        }
