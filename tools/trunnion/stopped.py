"""Ctrl-C, from the key to the words about what was stopped by it."""

from __future__ import annotations

import signal
from types import FrameType

_requested = False


class Stopped(Exception):
    """A person stopped the flow in `stage`. No KeyboardInterrupt, because those typer takes for itself."""

    def __init__(self, stage: str) -> None:
        super().__init__(stage)
        self.stage = stage


def stop_on_signals() -> None:
    """Make Ctrl-C and a polite kill raise KeyboardInterrupt in the main thread, and be remembered."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def stop_requested() -> bool:
    """Whether there was such a signal."""
    return _requested


def raise_if_stop_requested() -> None:
    """Raise what should have stopped the work already.

    Python drops an exception that comes up in a destructor or a callback of a weak reference, and libraries turn one
    into an error of their own; so whoever reports progress looks again.
    """
    if _requested:
        raise KeyboardInterrupt


def _stop(number: int, frame: FrameType | None) -> None:
    global _requested
    _requested = True
    raise KeyboardInterrupt
