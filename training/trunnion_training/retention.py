"""Retention enforced: what is kept for longer than it may be is found, deleted with what was made of it, and noted.

The note is a line in a record that only grows; each line holds the digest of the one before it, so that none can be
changed or taken out unseen.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from trunnion_contract.compliance import kept_until
from trunnion_contract.data_sources import Bag, LabelledFolder, Provenance, SimulationImages, Video
from trunnion_contract.data_sources import Source as SourceSettings
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes, digest_file
from trunnion_contract.strict import json_value, parse, read_file
from trunnion_contract.usecase import UseCase
from trunnion_training.inspection_cache import cache_file, forget
from trunnion_training.sources.folder import image_files

RECORD = "expired.jsonl"
# Beside a dataset: being made, being replaced, being deleted.
_UNFINISHED = (".{}.part", ".{}.old", ".{}.expired")
# What `trunnion data suspects` writes.
_SUSPECTS = "suspects"


@dataclass(frozen=True)
class ExpiredDataset:
    """A dataset that holds data beyond its time; it goes as a whole, because it is no longer what its digest says."""

    folder: Path
    digest: str
    files: int


@dataclass(frozen=True)
class Expiry:
    """What is kept for longer than it may be.

    Attributes:
        originals: files of the sources.
        elsewhere: stores from which this machine does not delete.
        datasets: made from such data.
        copies: other folders with its pictures: datasets that were never finished, or whose deletion was not, and
            labels that were doubted.
        models: folders of models that learnt from those datasets; they are named, and stay.
    """

    originals: tuple[Path, ...] = ()
    elsewhere: tuple[str, ...] = ()
    datasets: tuple[ExpiredDataset, ...] = ()
    copies: tuple[Path, ...] = ()
    models: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.originals or self.elsewhere or self.datasets or self.copies)


def find_expired(usecase: UseCase, run_dir: Path, today: date) -> Expiry:
    """What of the use case's sources, and of the datasets in `run_dir`, is beyond its time on `today`."""
    originals: list[Path] = []
    elsewhere: list[str] = []
    for source in usecase.data.sources if usecase.data else ():
        if isinstance(source, SimulationImages):
            continue
        files = list(_expired_files(source, usecase, today)) if source.url is None else []
        originals += files
        if source.url is not None and _is_over(source.provenance, today):
            elsewhere.append(source.url)
    datasets = tuple(
        found for folder in dataset_folders(run_dir) if (found := _expired_dataset(folder, today))
    )
    anything = bool(originals or elsewhere or datasets)
    copies = tuple(path for path in _copies(run_dir) if anything or path.suffix == ".expired")
    models = tuple(sorted(run_dir.glob("train*/"))) if datasets else ()
    return Expiry(tuple(originals), tuple(elsewhere), datasets, copies, models)


def delete_expired(expiry: Expiry, run_dir: Path, today: date) -> Path:
    """Note what goes, then delete it; returns the record. A call that was stopped is finished by the next."""
    record = run_dir / RECORD
    files = [{"file": str(path), "sha256": digest_file(path)} for path in expiry.originals]
    datasets = [
        {"folder": item.folder.name, "digest": item.digest, "files": item.files} for item in expiry.datasets
    ]
    _append(record, {
        "date": today.isoformat(), "files": files, "datasets": datasets,
        "copies": [folder.name for folder in expiry.copies],
        "models": [folder.name for folder in expiry.models], "not_deleted": list(expiry.elsewhere),
    })  # fmt: skip
    # First, because after the rest nothing would be found expired, and a call that was cut short would leave them.
    _delete_traces(run_dir)
    for path in expiry.originals:
        path.unlink(missing_ok=True)
    for folder in expiry.copies:
        shutil.rmtree(folder)
    for dataset in expiry.datasets:
        # Under another name first: half a dataset without its inventory would not be found again.
        going = dataset.folder.with_name(f".{dataset.folder.name}.expired")
        dataset.folder.rename(going)
        shutil.rmtree(going)
    return record


def _delete_traces(run_dir: Path) -> None:
    """Single files that hold such pictures, or say something of them; they are made again from what is left."""
    forget(cache_file(run_dir))
    # Trials of a search have theirs in folders of their own.
    for page in run_dir.rglob("augmentation.html"):
        page.unlink(missing_ok=True)


def check_record(record: Path) -> int:
    """The number of lines in the record.

    Raises:
        BadInput: a line was changed, or one before it was taken out.
    """
    before = ""
    lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    for number, line in enumerate(lines, 1):
        if not _follows(line, before):
            raise BadInput(
                where=f"{record}:{number}", got="a line that does not follow the one before it",
                wanted="a record that only grew", next_step="find out who changed it",
            )  # fmt: skip
        before = digest_bytes(line.encode())
    return len(lines)


def _follows(line: str, before: str) -> bool:
    try:
        said = json.loads(line)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("before") == before


def require_kept_in_time(dataset_dir: Path, today: date) -> None:
    """Refuse a dataset with data that is kept for longer than it may be."""
    expired = _expired_dataset(dataset_dir, today)
    if expired:
        raise BadInput(
            where=str(dataset_dir), got=f"{expired.files} file(s) whose retention has ended",
            wanted="none that is kept for longer than it may be",
            next_step="see what goes: trunnion data expire USECASE",
        )  # fmt: skip


def dataset_folders(run_dir: Path) -> list[Path]:
    """The datasets of a run: the present one, and the versions that were kept."""
    candidates = [run_dir / "data", *sorted((run_dir / "versions").glob("*"))]
    return [folder for folder in candidates if (folder / "inventory.json").is_file()]


def _copies(run_dir: Path) -> list[Path]:
    beside = [run_dir.glob(form.format("data")) for form in _UNFINISHED]
    kept = [(run_dir / "versions").glob(form.format("*")) for form in _UNFINISHED]
    doubted = [run_dir.glob(_SUSPECTS)]
    return sorted(path for found in (*beside, *kept, *doubted) for path in found if path.is_dir())


def _expired_files(source: LabelledFolder | Video | Bag, usecase: UseCase, today: date) -> Iterator[Path]:
    root = usecase.beside(source.path)
    images = [root] if root.is_file() else _held(source, root)
    if source.metadata is None:
        yield from images if _is_over(source.provenance, today) else ()
        return
    from trunnion_training.sources.metadata import query

    rows = query(source.metadata, usecase)
    for image in images:
        row = rows.get(image.relative_to(root).as_posix()) or rows.get(image.name)
        provenance = row.provenance(source.provenance) if row else source.provenance
        if _is_over(provenance, today):
            yield image


def _held(source: SourceSettings, root: Path) -> list[Path]:
    if isinstance(source, LabelledFolder):
        return image_files(root)
    return sorted(path for path in root.rglob("*") if path.is_file())


def _expired_dataset(folder: Path, today: date) -> ExpiredDataset | None:
    file = folder / "inventory.json"
    inventory = json_value(read_file(file), str(file))
    sources = [_provenance(row) for row in inventory["sources"]]
    over = sum(_is_over(_of_file(row, sources), today) for row in inventory["files"])
    return ExpiredDataset(folder, inventory["digest"], over) if over else None


def _of_file(row: dict[str, Any], sources: list[Provenance]) -> Provenance:
    said = row.get("provenance")
    return _provenance(said) if said else sources[int(row["source"].partition("-")[0])]


def _provenance(row: dict[str, Any]) -> Provenance:
    known = {key: value for key, value in row.items() if key in Provenance.model_fields}
    return parse(Provenance, known, "inventory.json")


def _is_over(provenance: Provenance, today: date) -> bool:
    until = kept_until(provenance)
    return until is not None and until < today


def _append(record: Path, line: dict[str, Any]) -> None:
    check_record(record)
    lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    before = digest_bytes(lines[-1].encode()) if lines else ""
    with record.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**line, "before": before}, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
