"""The emergency stop as a topic: whoever says stop stops the arm, until it is released on purpose. No ROS.

It is no safety function: a topic can be lost. A cell with people in it needs the arm's own hard-wired stop as well.
"""

from __future__ import annotations

# How a reason begins that others must be able to tell.
STOPPED, SILENT = "emergency stop", "emergency_stop "


class EmergencyStop:
    """Whether the arm must stand still.

    A stop is latched: who says that all is well, as a heartbeat does, takes back nobody's stop.

    Attributes:
        silence_max_s: how long nothing may be said before the arm stops; 0 where nobody is obliged to speak.
    """

    def __init__(self, silence_max_s: float = 0.0) -> None:
        self.silence_max_s = silence_max_s
        self._stopped = False
        self._heard_s: float | None = None

    def hear(self, stop: bool, now_s: float) -> None:
        """Take a message; `now_s` is of a steady clock."""
        self._stopped |= stop
        self._heard_s = now_s

    def release(self) -> None:
        """Take a stop back."""
        self._stopped = False

    def reason(self, now_s: float) -> str:
        """Why the arm must stand still; empty where it may move."""
        if self._stopped:
            return STOPPED
        if not self.silence_max_s:
            return ""
        if self._heard_s is None:
            return f"{SILENT}has not spoken yet"
        silence_s = now_s - self._heard_s
        return f"{SILENT}is silent for {silence_s:.1f} s" if silence_s > self.silence_max_s else ""
