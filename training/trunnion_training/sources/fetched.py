"""Files of an object store, brought here by fsspec: each with its digest, and only once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import fsspec

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.files import digest_file, digest_json
from trunnion_contract.progress import Progress
from trunnion_training.sources.folder import inside, is_file

# Stores answer slowly and carry much: waiting for several at once is what makes it fast.
_AT_ONCE = 8
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class StoredFile:
    """A file as its store lists it: its name below the URL, its size where that is told, and what changes when its
    content does.
    """

    key: str
    name: str
    size_bytes: int | None
    version: str


def listing_digest(url: str) -> str:
    """A digest that changes when the store's files do, as far as its listing tells."""
    _, files = _listed(url)
    return digest_json([[file.name, file.version] for file in files])


def fetch(url: str, folder: Path, progress: Progress) -> Path:
    """Bring every file below `url` to `folder`/files; what an earlier call brought stays when it is still the same.

    Raises:
        BadInput: the store or a file in it is not there, or a name leads out of the folder.
    """
    store, files = _listed(url)
    journal = folder / "fetched.jsonl"
    had = _had(journal)
    folder.mkdir(parents=True, exist_ok=True)
    progress.start(f"fetching {url}", len(files))
    with journal.open("a", encoding="utf-8") as lines, ThreadPoolExecutor(_AT_ONCE) as threads:
        jobs = [threads.submit(_fetch, store, file, folder / "files", had.get(file.name)) for file in files]
        try:
            for number, (file, job) in enumerate(zip(files, jobs, strict=True)):
                sha256 = _asked(url, f"{file.name} after {number} of {len(files)} files", job.result)
                lines.write(json.dumps({"name": file.name, "version": file.version, "sha256": sha256}) + "\n")
                lines.flush()
                progress.advance()
        finally:
            threads.shutdown(cancel_futures=True)
    progress.done()
    return folder / "files"


def _fetch(store: Any, file: StoredFile, folder: Path, had: dict[str, str] | None) -> str:
    target = inside(folder, file.name)
    if target is None:
        raise BadInput(
            where=file.key,
            got="a name that leads out of the folder",
            wanted="a plain name",
            next_step="rename it",
        )
    if had and had["version"] == file.version and is_file(target) and digest_file(target) == had["sha256"]:
        return had["sha256"]
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    store.get_file(file.key, str(part))
    if file.size_bytes is not None and part.stat().st_size != file.size_bytes:
        raise OSError(f"{part.stat().st_size} of {file.size_bytes} bytes")
    part.replace(target)
    return digest_file(target)


def _listed(url: str) -> tuple[Any, list[StoredFile]]:
    store, root = _asked(url, "the store", lambda: fsspec.core.url_to_fs(url))
    found: dict[str, dict[str, Any]] = _asked(url, "the listing", lambda: store.find(root, detail=True))
    prefix = root.rstrip("/")
    files = [
        StoredFile(
            key, key.removeprefix(prefix).lstrip("/") or Path(key).name, info.get("size"), _version(info)
        )
        for key, info in sorted(found.items())
    ]
    if not files:
        raise BadInput(
            where=url, got="no files there", wanted="a folder with files", next_step="correct the url"
        )
    return store, files


def _version(info: dict[str, Any]) -> str:
    """What a store says of a file's content: its tag where it has one, else its size and time of change."""
    told = [info.get(key) for key in ("ETag", "etag", "md5Hash", "LastModified", "mtime", "created", "size")]
    return digest_json([str(value) for value in told])


def _had(journal: Path) -> dict[str, dict[str, str]]:
    if not journal.is_file():
        return {}
    found: dict[str, dict[str, str]] = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:  # the line that a kill cut off
            continue
        found[row["name"]] = row
    return found


def _asked(url: str, what: str, question: Callable[[], Answer]) -> Answer:
    """The answer of a store; what its many libraries raise when it is away, in words."""
    try:
        return question()
    except (BadInput, Broken):
        raise
    except ImportError as error:
        raise BadInput(
            where=url, got=f"no library for this kind of store ({error})", wanted="an installed one",
            next_step="install it; for s3: pip install 'trunnion-training[s3]'",
        ) from None  # fmt: skip
    except Exception as error:
        raise BadInput(
            where=url, got=f"{type(error).__name__} at {what}: {error}"[:200], wanted="a store that answers",
            next_step="see that it is there, and run the same command again; what was fetched is kept",
        ) from None  # fmt: skip
