"""What was seen of picture files, kept under the digests of their bytes, so that it can never be stale.

A row holds a check sum of itself. The cache is a help and no more: where it is damaged it is made anew, and where it
cannot be read or written (a full disk, another process that holds it) everything goes on without it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "TRUNNION_CACHE_DIR"
_NAME = "pictures.sqlite"
_CHECK_BYTES = 8
_WAIT_S = 20.0
# SQLite takes some thousand parameters at most; batches are far smaller.
_KEYS_AT_ONCE = 500


def cache_file(folder: Path) -> Path:
    """Where the cache of a run lies: in its `folder`, or in the one that `$TRUNNION_CACHE_DIR` names."""
    named = os.environ.get(FOLDER_VARIABLE)
    return (Path(named) if named else folder) / _NAME


def forget(file: Path) -> None:
    """Remove a cache, because of what it holds or because it is damaged."""
    with suppress(OSError):
        file.unlink(missing_ok=True)


class InspectionCache:
    """Rows of JSON by digest.

    Attributes:
        form: stands for what a row says and for the code that found it out; rows of another form are dropped.
    """

    def __init__(self, file: Path, form: str) -> None:
        self._file = file
        self._form = int(form[:7], 16)

    def read(self, digests: Sequence[str]) -> dict[str, Any]:
        """What is known, by digest; nothing where the cache cannot be read."""
        found: dict[str, Any] = {}
        if not digests or not self._file.is_file():
            return found
        with self._helpful(), self._database() as database:
            for start in range(0, len(digests), _KEYS_AT_ONCE):
                keys = digests[start : start + _KEYS_AT_ONCE]
                marks = ",".join("?" * len(keys))
                rows = database.execute(f"SELECT digest, seen, sum FROM seen WHERE digest IN ({marks})", keys)
                found |= {
                    digest: json.loads(seen) for digest, seen, sum_ in rows if sum_ == _sum(digest, seen)
                }
        return found

    def write(self, rows: Mapping[str, Any]) -> None:
        """Keep rows; without any effect where the cache cannot be written."""
        if not rows:
            return
        texts = {digest: json.dumps(seen, separators=(",", ":")) for digest, seen in rows.items()}
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._helpful(), self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)",
                [(digest, text, _sum(digest, text)) for digest, text in texts.items()],
            )
            database.execute("COMMIT")

    @contextmanager
    def _helpful(self) -> Iterator[None]:
        """A block that is left where the cache fails it."""
        try:
            yield
        except sqlite3.OperationalError:  # full, locked, or not ours to write: nothing is wrong with it
            pass
        except (sqlite3.DatabaseError, ValueError):
            forget(self._file)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=_WAIT_S, isolation_level=None)) as database:
            self._prepare(database)
            yield database

    def _prepare(self, database: sqlite3.Connection) -> None:
        # No journal beside it and no waiting for the disk: what a crash leaves half written is found damaged.
        database.execute("PRAGMA journal_mode = MEMORY")
        database.execute("PRAGMA synchronous = OFF")
        if database.execute("PRAGMA user_version").fetchone()[0] == self._form:
            return
        database.execute("BEGIN IMMEDIATE")
        if database.execute("PRAGMA user_version").fetchone()[0] != self._form:
            database.execute("DROP TABLE IF EXISTS seen")
            database.execute("CREATE TABLE seen (digest TEXT PRIMARY KEY, seen TEXT, sum BLOB) WITHOUT ROWID")
            database.execute(f"PRAGMA user_version = {self._form}")
        database.execute("COMMIT")


def _sum(digest: str, text: str) -> bytes:
    return hashlib.sha256(f"{digest}{text}".encode()).digest()[:_CHECK_BYTES]
