"""Keeping simulated time in step with real time."""

from __future__ import annotations


class RealTime:
    """Counts the physics steps that are due; time that could not be simulated is dropped, never hurried after.

    Args:
        steps_per_s: the rate of the physics.
        behind_max_s: a longer pause of the process is not caught up on.

    Attributes:
        until_s: the time that the steps which were due lead up to; what the world then shows is of this moment.
        dropped_s: real time that was not simulated.
    """

    def __init__(self, steps_per_s: float, behind_max_s: float = 0.1) -> None:
        self._steps_per_s = steps_per_s
        self._behind_max_s = behind_max_s
        self._has_begun = False
        self.until_s = 0.0
        self.dropped_s = 0.0

    def due(self, now_s: float) -> int:
        """Steps to make now; `now_s` is of a steady clock, and the first call starts the simulation."""
        if not self._has_begun:
            self._has_begun, self.until_s = True, now_s
        behind_s = now_s - self.until_s
        if behind_s > self._behind_max_s:
            self.dropped_s += behind_s - self._behind_max_s
            self.until_s = now_s - self._behind_max_s
            behind_s = self._behind_max_s
        steps = int(behind_s * self._steps_per_s + 1e-6)
        self.until_s += steps / self._steps_per_s
        return steps
