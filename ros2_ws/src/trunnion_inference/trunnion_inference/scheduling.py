"""Lets a thread that must keep time go before all that need not, where the system allows it."""

from __future__ import annotations

import os
from pathlib import Path

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


def stay_off_pinned_cores() -> None:
    """Keep the calling thread to the cores that no other thread of this process is pinned to, if there are both.

    A runtime may pin its threads, as ONNX Runtime does to all cores but the first, where it expects its caller. Beside
    one of them the caller waits for it and it for the caller, at each layer: a network of 6 ms took 8 to 12.
    """
    allowed = os.sched_getaffinity(0)
    pinned = [cores for cores in map(_cores_of, Path("/proc/self/task").iterdir()) if cores < allowed]
    left = allowed.difference(*pinned)
    if pinned and left:
        os.sched_setaffinity(0, left)


def _cores_of(thread: Path) -> set[int]:
    try:
        return os.sched_getaffinity(int(thread.name))
    except ProcessLookupError:  # It has just ended.
        return set(range(os.cpu_count() or 1))
