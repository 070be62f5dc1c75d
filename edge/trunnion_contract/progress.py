"""How long work tells a person where it stands."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One bar at a time: `start` opens it, `advance` moves it, `done` closes it."""

    def start(self, label: str, total: int) -> None:
        """Open a bar of `total` steps."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move the bar; `note` replaces the text at its end."""

    def done(self, note: str = "") -> None:
        """Close the bar."""


class Silent:
    """Progress that nobody watches."""

    def start(self, label: str, total: int) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Do nothing."""

    def done(self, note: str = "") -> None:
        """Do nothing."""
