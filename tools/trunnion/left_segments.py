"""What killed ROS processes leave behind in shared memory.

Fast DDS gives each process a segment of 64 MiB, and a file beside it on which the process holds a lock while it lives.
A process that is killed cannot remove them, and nobody else does: after some hundred kills the memory is full.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

FOLDER = Path("/dev/shm")
_SEGMENT = re.compile(r"fastrtps_[0-9a-f]{16}")
# The file of the lock is there a moment before it is locked.
_YOUNG_S = 10.0


class LeftSegments(NamedTuple):
    """How many segments nobody holds any more, and what they take."""

    count: int
    size_mib: int


def left_segments(folder: Path = FOLDER) -> LeftSegments:
    """Those of this user that a killed process has left."""
    sizes = [_size(path) for path in _left(folder)]
    return LeftSegments(len(sizes), sum(sizes) // 2**20)


def remove_left_segments(folder: Path = FOLDER) -> LeftSegments:
    """Remove them; what there was."""
    sizes = []
    for path in _left(folder):
        sizes.append(_size(path))
        path.unlink(missing_ok=True)
        _lock_of(path).unlink(missing_ok=True)
    return LeftSegments(len(sizes), sum(sizes) // 2**20)


def _left(folder: Path) -> Iterator[Path]:
    """Each segment that nobody holds, locked against its coming back to life while it is looked at."""
    for path in sorted(folder.glob("fastrtps_*")):
        if _SEGMENT.fullmatch(path.name) and _is_old(path):
            with _unheld(_lock_of(path)) as is_left:
                if is_left:
                    yield path


@contextmanager
def _unheld(lock: Path) -> Iterator[bool]:
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:  # gone, or another user's
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _YOUNG_S and path.stat().st_uid == os.getuid()
    except FileNotFoundError:
        return False


def _lock_of(segment: Path) -> Path:
    return segment.with_name(f"{segment.name}_el")


def _size(path: Path) -> int:
    """Bytes that it really takes."""
    return path.stat().st_blocks * 512 if path.exists() else 0
