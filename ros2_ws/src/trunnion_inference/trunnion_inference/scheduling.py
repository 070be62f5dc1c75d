"""Lets a thread that must keep time go before all that need not, where the system allows it."""

from __future__ import annotations

import os

# Well below the kernel's own threads.
PRIORITY = 20


class TimeKeeping:
    """Between `begin` and `end`, both called by it, a thread is scheduled as SCHED_FIFO.

    Threads and processes that it starts are scheduled as usual.

    Attributes:
        said: how it is scheduled, in words, for /diagnostics.
    """

    def __init__(self) -> None:
        self.said = ""
        self._before: tuple[int, os.sched_param] | None = None

    def begin(self, priority: int = PRIORITY) -> None:
        """From now on; 0 changes nothing.

        Where the right is missing the thread goes on as it was: `ulimit -r`, or CAP_SYS_NICE in a container, give it.
        """
        self.end()
        if priority == 0:
            self.said = "as it was started"
            return
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
        except OSError as error:
            self.said = f"as it was started: no right to a real-time priority ({error.strerror})"
            return
        self._before, self.said = before, f"real time, priority {priority}"

    def end(self) -> None:
        """As before `begin`."""
        if self._before is not None:
            os.sched_setscheduler(0, *self._before)
            self._before, self.said = None, ""
