"""Building a dataset: collect, clean, split, write; the same images and labels give the same digest anywhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from trunnion_contract.compliance import check, check_sources
from trunnion_contract.data_sources import Provenance
from trunnion_contract.dataset import Dataset, LabelledImage, SourceRecord, SplitName
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_file, digest_json, write_json, write_text
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.cleaning import Cleaner, CleanImage
from trunnion_training.contact_sheet import contact_sheet
from trunnion_training.findings import Finding, counted
from trunnion_training.gathering import gather
from trunnion_training.inventory import inventory
from trunnion_training.pictures import write_jpeg
from trunnion_training.split import SPLITS, assign_splits

_COLLECTED, _TO_LABEL = ".collected", "to_label"


@dataclass(frozen=True)
class _Written:
    """One image as it stands in the dataset."""

    split: SplitName
    name: str
    source: str
    sha256: str
    label: str
    class_ids: tuple[int, ...]
    provenance: Provenance | None


def build(usecase: UseCase, out_dir: Path, progress: Progress, today: date | None = None) -> Dataset:
    """Make the dataset of a use case in `out_dir`, in YOLO form with the record `dataset.json`.

    `today` is the day for which retention is checked, now (UTC) when left out. A call that was
    stopped leaves `out_dir/.collected`, from which sources that render or fetch go on.

    Raises:
        BadInput: a source cannot be read at all, the rules of the use case forbid it, or too little is left after
            cleaning.
    """
    if usecase.data is None:
        raise BadInput(
            where=usecase.name,
            got="no `data` section",
            wanted="one",
            next_step="add data.sources and data.split",
        )
    day = today or datetime.now(UTC).date()
    check_sources(usecase.data, usecase.compliance, day)
    for stale in ("images", "labels", _TO_LABEL):
        shutil.rmtree(out_dir / stale, ignore_errors=True)
    cleaned, sources, findings = _collect(usecase, out_dir / _COLLECTED, progress, day)
    images = [image for image in cleaned if image.is_labelled]
    to_label = [image for image in cleaned if not image.is_labelled]
    written = _write(images, assign_splits(images, usecase.data.split), out_dir, progress)
    _set_apart(to_label, out_dir / _TO_LABEL)
    dataset = _record(usecase, written, sources, findings, len(to_label))
    _write_records(dataset, written, images, findings, out_dir)
    shutil.rmtree(out_dir / _COLLECTED, ignore_errors=True)
    return dataset


def _collect(
    usecase: UseCase, work_dir: Path, progress: Progress, day: date
) -> tuple[list[CleanImage], list[SourceRecord], list[Finding]]:
    cleaner = Cleaner(usecase.classes)
    images, sources, findings = [], [], []
    for gathered in gather(usecase, work_dir, progress):
        settings, items = gathered.settings, gathered.items
        findings += gathered.findings
        for item, name in zip(items, gathered.names, strict=True):
            if item.provenance:
                check(item.provenance, usecase.compliance, f"data.sources.{gathered.name}: {name}", day)
        progress.start("cleaning", len(items))
        images += cleaner.clean(_advancing(items, progress), gathered.names, gathered.name)
        progress.done()
        sources.append(SourceRecord(kind=settings.kind, images=len(items), provenance=settings.provenance))
    return images, sources, findings + cleaner.findings


def _advancing(items: Sequence[LabelledImage], progress: Progress):  # type: ignore[no-untyped-def]
    for item in items:
        yield item
        progress.advance()


def _write(
    images: Sequence[CleanImage], splits: Sequence[SplitName], out_dir: Path, progress: Progress
) -> list[_Written]:
    for split in SPLITS:
        (out_dir / "images" / split).mkdir(parents=True, exist_ok=True)
        (out_dir / "labels" / split).mkdir(parents=True, exist_ok=True)
    progress.start("writing the dataset", len(images))
    written = []
    for image, split in zip(images, splits, strict=True):
        written.append(_write_one(image, split, out_dir))
        progress.advance()
    progress.done()
    return sorted(written, key=lambda item: (item.split, item.name))


def _write_one(image: CleanImage, split: SplitName, out_dir: Path) -> _Written:
    name = _stem(image)
    target = out_dir / "images" / split / f"{name}.jpg"
    write_jpeg(image.image, target)
    label = yolo_label(image)
    (out_dir / "labels" / split / f"{name}.txt").write_text(label)
    ids = tuple(int(index) for index in image.class_ids)
    return _Written(
        split, target.name, image.scene.partition("/")[0], digest_file(target), label, ids, image.provenance
    )


def _set_apart(images: Sequence[CleanImage], folder: Path) -> None:
    """Images that nobody has labelled yet, for a labelling tool to take."""
    for image in images:
        folder.mkdir(parents=True, exist_ok=True)
        write_jpeg(image.image, folder / f"{_stem(image)}.jpg")


def _stem(image: CleanImage) -> str:
    """The name of an image in the dataset: what people know it by, and enough of its digest to be its own."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(image.name).stem)[:60]
    return f"{stem}-{image.pixels_sha256[:8]}"


def yolo_label(image: CleanImage) -> str:
    """The label file: a line per box, class id, centre and size as shares of the image."""
    scale = np.array([*image.size_px, *image.size_px], dtype=np.float64)
    corners = image.boxes_px.astype(np.float64) / scale
    centres, sizes = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    rows = zip(image.class_ids, np.hstack([centres, sizes]), strict=True)
    return "".join(f"{index} " + " ".join(f"{value:.8f}" for value in row) + "\n" for index, row in rows)


def _record(
    usecase: UseCase,
    written: Sequence[_Written],
    sources: Sequence[SourceRecord],
    findings: Sequence[Finding],
    to_label: int,
) -> Dataset:
    boxes = {
        split: {
            name: sum(item.class_ids.count(index) for item in written if item.split == split)
            for index, name in enumerate(usecase.classes)
        }
        for split in SPLITS
    }
    content = [[item.split, item.name, item.sha256, item.label] for item in written]
    return Dataset(
        name=usecase.name,
        classes=usecase.classes,
        images={split: sum(item.split == split for item in written) for split in SPLITS},
        boxes=boxes,
        findings=counted(findings),
        sources=tuple(sources),
        digest=digest_json({"classes": usecase.classes, "files": content}),
        to_label=to_label,
    )


def _write_records(
    dataset: Dataset,
    written: Sequence[_Written],
    images: Sequence[CleanImage],
    findings: Sequence[Finding],
    out_dir: Path,
) -> None:
    """Write everything about the images; `dataset.json` comes last and says that the dataset is whole."""
    description = {split: f"images/{split}" for split in SPLITS} | {"names": dict(enumerate(dataset.classes))}
    write_text(out_dir / "data.yaml", yaml.safe_dump(description, sort_keys=False))
    write_json(
        out_dir / "cleaning.json",
        {"counts": dict(dataset.findings), "findings": [asdict(finding) for finding in findings]},
    )
    files = [_listed(item) for item in written]
    write_json(out_dir / "inventory.json", inventory(dataset, files))
    contact_sheet(images, dataset.classes, out_dir / "contact_sheet.jpg")
    write_json(out_dir / "dataset.json", dataset.model_dump(mode="json"))


def _listed(item: _Written) -> dict[str, Any]:
    """A line of the inventory; what is known of one file alone stands beside it."""
    line = {"file": f"images/{item.split}/{item.name}", "source": item.source, "sha256": item.sha256}
    return line | ({"provenance": item.provenance.model_dump(mode="json")} if item.provenance else {})
