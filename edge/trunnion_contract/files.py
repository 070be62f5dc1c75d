"""Files that are either whole or absent, and digests of them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trunnion_contract.errors import Broken

_CHUNK_BYTES = 1 << 20


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is fsynced and renamed over `path`, else removed.

    Raises:
        Broken: the disk is full. What stood under `path` before still stands.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(descriptor)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        _fsync(temporary)
        temporary.replace(path)
        _fsync_folder(path.parent)
    except OSError as error:
        _explain(error, path)
        raise
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a folder beside `path` that replaces `path` when the block ends well.

    An unfinished folder is left where it is, so that a stage which knows how can resume in it.
    """
    work = path.with_name(f".{path.name}.part")
    work.mkdir(parents=True, exist_ok=True)
    try:
        yield work
    except OSError as error:
        _explain(error, path)
        raise
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    work.rename(path)
    _fsync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def write_listing(path: Path, about: Mapping[str, Any], name: str, rows: Iterable[Any]) -> None:
    """Write `about` and, under `name`, many `rows` as JSON, a line a row, whole or not at all.

    Indented JSON is made by Python itself, ten times as slowly: what counts with a hundred thousand rows.
    """
    head = json.dumps(dict(about), indent=2, sort_keys=True).removesuffix("}").rstrip()
    lines = ",\n".join(f"    {json.dumps(row, sort_keys=True)}" for row in rows)
    listed = f"[\n{lines}\n  ]" if lines else "[]"
    write_text(path, f"{head}{',' if about else ''}\n  {json.dumps(name)}: {listed}\n}}\n")


def digest_bytes(data: bytes) -> str:
    """SHA-256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of a JSON value in its canonical form (sorted keys, no spaces)."""
    return digest_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def digest_tree(root: Path, pattern: str = "*") -> str:
    """SHA-256 over the relative names and contents of the files under `root`, in the order of their names."""
    files = sorted(path for path in root.rglob(pattern) if path.is_file())
    return digest_json([[path.relative_to(root).as_posix(), digest_file(path)] for path in files])


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsync_folder(path: Path) -> None:
    # Some file systems refuse to fsync a folder; the rename itself is still atomic there.
    with suppress(OSError):
        _fsync(path)


def _explain(error: OSError, path: Path) -> None:
    """Say a full disk (or quota, or limit on file size) in plain words; other errors are for the caller."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        raise Broken(
            where=str(path),
            got="a full disk (nothing was left under this name)",
            wanted="free space",
            next_step=f"free space under {path.parent} and run the same command again",
        ) from error
