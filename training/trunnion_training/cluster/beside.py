"""What waits beside the main thread: Ray's own waiting would take Ctrl-C for itself there."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Beside(threading.Thread):
    """Runs a function, and keeps what it raises for whoever looks.

    Attributes:
        error: what it raised; None while it runs, and where it came to its end.
    """

    def __init__(self, function: Callable[[], None], name: str) -> None:
        super().__init__(daemon=True, name=name)
        self._function = function
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        """Called by the thread."""
        try:
            self._function()
        except Exception as error:  # looked at by the thread that waits
            self.error = error

    def ended(self, within_s: float) -> bool:
        """Whether it is over, after waiting for at most so long."""
        self.join(within_s)
        return not self.is_alive()
