"""A journal of finished work: a run that is killed takes up where it stood."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any


class Journal:
    """Results by key, one JSON line each, on disk before `add` returns.

    Args:
        path: the file; it need not exist.
        inputs: a digest of everything the results follow from. A journal of other inputs is begun anew.
    """

    def __init__(self, path: Path, inputs: str) -> None:
        self._path, self._inputs = path, inputs
        self.results: dict[str, Any] = {}

    def __enter__(self) -> Journal:
        self.results, whole_bytes = _read(self._path, self._inputs)
        self._file = self._path.open("ab")
        # A kill in the middle of a line leaves a torn one; the next line must not be glued to it.
        self._file.truncate(whole_bytes)
        if not whole_bytes:
            self._write({"inputs": self._inputs})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, key: str, result: Any) -> None:
        """Keep a result; `result` is plain data."""
        self.results[key] = result
        self._write({"key": key, "result": result})

    def _write(self, line: dict[str, Any]) -> None:
        # Keys stay in their order: a proof that was resumed must have the same bytes as one that was not.
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def recorded(path: Path) -> dict[str, Any]:
    """The results in a journal, whatever its inputs were; the file stays as it is, and may be missing."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    entries = [entry for line in lines if (entry := _entry(line)) and "key" in entry]
    return {entry["key"]: entry["result"] for entry in entries}


def _read(path: Path, inputs: str) -> tuple[dict[str, Any], int]:
    """The results of the journal's whole lines, and how many bytes those lines are."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith(b"\n") and _entry(line) is not None]
    if not whole or whole != lines[: len(whole)] or _entry(whole[0]) != {"inputs": inputs}:
        return {}, 0
    entries = [entry for line in whole[1:] if (entry := _entry(line))]
    return {entry["key"]: entry["result"] for entry in entries}, sum(map(len, whole))


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
