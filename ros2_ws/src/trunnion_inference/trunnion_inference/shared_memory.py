"""Frees the shared memory that Fast DDS processes left behind when they were killed.

A participant's segment holds tens of MiB (`fastdds.xml` in trunnion_bringup) and lives in memory until somebody removes
its file. A process that ends cleanly removes its own; one that crashes or is killed cannot, and Fast DDS clears up only
its ports, which are few. A node that crashes again and again would fill the memory of its robot. `fastdds shm clean`
frees the same files, but also those of a process that is just starting.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from pathlib import Path

FOLDER = Path("/dev/shm")
# Fast DDS locks this file beside each segment for as long as its owner lives.
_LOCK = re.compile(r"fastrtps_[0-9a-f]{16}_el")
# Between making the lock's file and locking it an owner looks dead.
_BEING_BORN_S = 1.0


def free_segments_of_the_dead(folder: Path = FOLDER) -> int:
    """Remove each segment whose owner is dead; bytes freed. What another user owns, or somebody else removed, stays."""
    return sum(_free(lock) for lock in _locks(folder))


def _locks(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if _LOCK.fullmatch(path.name)]
    except OSError:  # a system without shared memory has no segments
        return []


def _free(lock: Path) -> int:
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        if time.time() - os.fstat(handle).st_mtime < _BEING_BORN_S:
            return 0
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _remove(lock)
    except OSError:  # alive, or not ours
        return 0
    finally:
        os.close(handle)


def _remove(lock: Path) -> int:
    segment = lock.with_name(lock.name.removesuffix("_el"))
    size = segment.stat().st_size if segment.exists() else 0
    segment.unlink(missing_ok=True)
    lock.unlink(missing_ok=True)
    return size
