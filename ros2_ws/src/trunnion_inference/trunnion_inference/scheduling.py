"""Lets a thread that must keep time go before all that need not, where the system allows it."""

from __future__ import annotations

import os

# Well below the kernel's own threads.
PRIORITY = 20


def keep_time(priority: int = PRIORITY) -> str:
    """Schedule the calling thread as SCHED_FIFO; what it is scheduled as now, in words, for /diagnostics.

    Where the right is missing the thread goes on as it was: `ulimit -r`, or CAP_SYS_NICE in a container, give it.
    """
    if priority == 0:
        return "normal, as asked"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError as error:
        return f"normal: no right to a real-time priority ({error.strerror})"
    return f"real time, priority {priority}"


def take_turns() -> None:
    """Schedule the calling thread as usual again."""
    if os.sched_getscheduler(0) == os.SCHED_FIFO:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
