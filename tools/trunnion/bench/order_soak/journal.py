"""Lines in a file that outlast whoever wrote them: in one piece, and the kernel's from then on."""

from __future__ import annotations

import os
from pathlib import Path


class Journal:
    """Appends to `file`, also from several threads or processes at once; use it with `with`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> Journal:
        self._descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def write(self, line: str) -> None:
        """Add a line; it stays whatever then becomes of this process."""
        os.write(self._descriptor, f"{line}\n".encode())


def lines_of(file: Path) -> list[str]:
    """The lines that were written wholly; none of a file that is not there."""
    text = file.read_text() if file.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()
