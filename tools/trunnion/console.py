"""Where a command prints."""

from __future__ import annotations

import os

from rich.console import Console

_WIDTH_OF_LOGS = 160


def open_console() -> Console:
    """Standard output: as wide as the terminal, and wide enough for tables where there is none."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_OF_LOGS
    return console
