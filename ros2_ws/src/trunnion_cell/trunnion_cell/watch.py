"""Who fell silent: every node by its heartbeat, and by the topics that others need of it."""

from __future__ import annotations

from collections.abc import Sequence

HEARTBEAT = "heartbeat"


class Watch:
    """Remembers when each thing was last heard.

    Args:
        expected: (node, what it must be heard to say), in the order of who is blamed first: a camera that stops also
            silences the detector.
        silent_after_s: this long without a word is silence.
        now_s: when watching begins; nobody is blamed for silence before.
    """

    def __init__(self, expected: Sequence[tuple[str, str]], silent_after_s: float, now_s: float) -> None:
        self._silent_after_s = silent_after_s
        self._began_s = now_s
        self._heard_s: dict[tuple[str, str], float | None] = dict.fromkeys(expected)

    def begin(self, now_s: float) -> None:
        """Watch from now on. What was never heard may still be starting, and is waited for anew; what was heard and
        fell silent is not."""
        self._began_s = now_s

    def hear(self, node: str, what: str, now_s: float) -> None:
        """Take note; what is not expected is nobody's concern."""
        if (node, what) in self._heard_s:
            self._heard_s[node, what] = now_s

    def silent(self, now_s: float) -> str | None:
        """Who is silent and since when, or None."""
        for (node, what), heard_s in self._heard_s.items():
            silence_s = now_s - (self._began_s if heard_s is None else heard_s)
            if silence_s > self._silent_after_s:
                return f"{node} is silent: no {what} for {silence_s:.1f} s"
        return None
