"""One process at a time: a lock that the system takes away when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trunnion_contract.errors import BadInput


@contextmanager
def only_one(lock: Path, doing: str, otherwise: str = "") -> Iterator[None]:
    """Hold `lock` while the block runs.

    `otherwise` is what a person can do besides waiting for the other or stopping it.

    Raises:
        BadInput: another process holds it; names that process.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            # A record lock, because workers that this process forks would share a flock and outlive it with it.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _held(lock, lock.read_text().strip() or "unknown", doing, otherwise) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _held(lock: Path, pid: str, doing: str, otherwise: str) -> BadInput:
    return BadInput(
        where=str(lock.parent),
        got=f"process {pid}, which is already {doing}",
        wanted="one at a time",
        next_step=f"wait for it, or stop it with: kill -INT {pid}"
        + (f", or {otherwise}" if otherwise else ""),
    )
