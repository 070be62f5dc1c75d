"""Stamps: a step is skipped where the digest of its inputs stands in its stamp file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def digest(root: Path, files: Iterable[Path], *words: str) -> str:
    """SHA-256 over `words`, and over the name below `root` and the bytes of each file, in order of name."""
    state = hashlib.sha256()
    for word in words:
        state.update(word.encode() + b"\0")
    for file in sorted(files):
        state.update(str(file.relative_to(root)).encode() + b"\0")
        state.update(hashlib.sha256(file.read_bytes()).digest())
    return state.hexdigest()


class Stamp:
    """A file that holds the digest of the inputs of a finished step."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stands(self, wanted: str) -> bool:
        try:
            return self.path.read_text() == wanted
        except OSError:
            return False

    def begin(self) -> None:
        """Before a step starts: an interrupted step must not look finished."""
        self.path.unlink(missing_ok=True)

    def finish(self, value: str) -> None:
        replace_text(self.path, value)


def replace_text(path: Path, text: str) -> None:
    """Write beside, then rename: whoever reads sees the old text or the new, and hard links stay as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
