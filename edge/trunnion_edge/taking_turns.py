"""Processes and threads that take turns: whoever comes second waits, and says for whom."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_LOOK_EVERY_S = 0.1
_SAY_EVERY_S = 30.0
_NAMED_WITHIN_S = 1.0


@contextmanager
def one_at_a_time(lock: Path, doing: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold `lock` while the block runs; the system takes it away when its holder dies, however it dies.

    Args:
        lock: a file that is made where there is none, and stays.
        doing: what the holder does, as `builds the engine`.
        say: told at once, and every half minute, for whom this process waits.

    Raises:
        OSError: the lock's folder cannot be made or written.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        _wait(file, lock, doing, say)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            # Who waits must not be told of us in the moment before the next one has written who it is.
            file.truncate(0)


def _wait(file: IO[str], lock: Path, doing: str, say: Callable[[str], None]) -> None:
    began_s, said_s = time.monotonic(), float("-inf")
    while not _taken(file):
        now_s = time.monotonic()
        holder = lock.read_text().strip()
        is_known = holder or now_s - began_s > _NAMED_WITHIN_S
        if is_known and now_s - said_s >= _SAY_EVERY_S:
            say(f"process {holder or 'unknown'} {doing}; waiting for it ({now_s - began_s:.0f} s so far)")
            said_s = now_s
        time.sleep(_LOOK_EVERY_S)


def _taken(file: IO[str]) -> bool:
    try:
        # Unlike a record lock, this one also keeps two threads of one process apart.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
