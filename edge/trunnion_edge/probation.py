"""The first frames of a model that took another's place: what it must not do in them."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

# One slow frame says more about the machine than about the model.
_LATENCIES = 5


@dataclass(frozen=True)
class SwapRules:
    """What a new model must keep to.

    Attributes:
        probation_frames: the old model is kept until the new one has answered so many frames.
        latency_ratio_max: the new one may take so many times the old one's median,
        latency_floor_ms: and always so long.
        blind_frames: it may see nothing in fewer consecutive frames than this in which the old one sees something.
        other_labels: its classes may be others than the old one's.
        other_application: policy and cell of its bundle may be others than the old one's.
    """

    probation_frames: int = 30
    latency_ratio_max: float = 3.0
    latency_floor_ms: float = 50.0
    blind_frames: int = 3
    other_labels: bool = False
    other_application: bool = False

    def latency_max_ms(self, of_old_ms: float) -> float:
        """The bound beside an old one with this median; NaN, for one that never ran, bounds nothing."""
        bound_ms = max(self.latency_floor_ms, self.latency_ratio_max * of_old_ms)
        return bound_ms if of_old_ms == of_old_ms else float("inf")


class Probation:
    """Counts frames; `fault` says what is wrong as soon as it is known.

    Blindness is judged on the same frame, by the old model: a frame in which neither sees anything says nothing about
    the new one, and a frame in which it sees something clears it. An empty table rolls nothing back.
    """

    def __init__(self, rules: SwapRules, latency_max_ms: float) -> None:
        self._rules = rules
        self._latency_max_ms = latency_max_ms
        self._latencies_ms: deque[float] = deque(maxlen=min(_LATENCIES, rules.probation_frames))
        self._blind = 0
        self.frames = 0

    def note(self, latency_ms: float, saw: bool, old_saw: bool) -> None:
        """One frame that the new model answered; `old_saw` counts only where it saw nothing."""
        self.frames += 1
        self._latencies_ms.append(latency_ms)
        if saw:
            self._blind = 0
        elif old_saw:
            self._blind += 1

    @property
    def passed(self) -> bool:
        """Whether it has answered enough frames."""
        return self.frames >= self._rules.probation_frames

    @property
    def fault(self) -> str:
        """What is wrong, empty while nothing is."""
        if self._is_blind:
            return f"it saw nothing in {self._blind} frames in which the model before it saw something"
        if self._median_ms > self._latency_max_ms:
            took, most = f"{self._median_ms:.0f} ms", f"{self._latency_max_ms:.0f} ms"
            return f"it takes {took} for a frame, at most {most} are allowed"
        return ""

    def is_excused_by(self, old_ms: float) -> bool:
        """Whether the old model, asked now, is slow too: then the machine is to blame, and the count begins anew."""
        if self._is_blind or self._median_ms > self._rules.latency_ratio_max * old_ms:
            return False
        self._latencies_ms.clear()
        return True

    @property
    def _is_blind(self) -> bool:
        return self._blind >= self._rules.blind_frames

    @property
    def _median_ms(self) -> float:
        """Of the last frames; 0 until there are enough."""
        is_full = len(self._latencies_ms) == self._latencies_ms.maxlen
        return statistics.median(self._latencies_ms) if is_full else 0.0

    def __str__(self) -> str:
        return f"on probation, frame {self.frames} of {self._rules.probation_frames}"
