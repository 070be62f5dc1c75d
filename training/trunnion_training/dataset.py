"""Building a dataset: collect, clean, split, write; the same images and labels give the same digest anywhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import yaml

from trunnion_contract.compliance import check, check_sources
from trunnion_contract.data_sources import Data
from trunnion_contract.dataset import Dataset, SourceRecord, SplitName
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json, write_json, write_listing, write_text
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.cleaning import Cleaner, CleanImage
from trunnion_training.contact_sheet import contact_sheet
from trunnion_training.dataset_files import Written, set_apart, write_images
from trunnion_training.file_workers import file_workers
from trunnion_training.findings import Finding, counted
from trunnion_training.gathering import gather
from trunnion_training.inventory import inventory
from trunnion_training.mixing import mixed
from trunnion_training.quality.measures import measure
from trunnion_training.quality.report import quality_page
from trunnion_training.split import SPLITS, assign_splits

_COLLECTED, _TO_LABEL = ".collected", "to_label"


def build(
    usecase: UseCase,
    out_dir: Path,
    progress: Progress,
    today: date | None = None,
    cache_file: Path | None = None,
) -> Dataset:
    """Make the dataset of a use case in `out_dir`, in YOLO form with the record `dataset.json`.

    `today` is the day for which retention is checked, now (UTC) when left out. A call that was
    stopped leaves `out_dir/.collected`, from which sources that render or fetch go on. What was seen of a picture is
    kept in `cache_file`, so that the same bytes are not decoded again.

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
    with file_workers():
        return _build(usecase, usecase.data, out_dir, progress, day, cache_file)


def _build(
    usecase: UseCase, data: Data, out_dir: Path, progress: Progress, day: date, cache_file: Path | None
) -> Dataset:
    for stale in ("images", "labels", _TO_LABEL):
        shutil.rmtree(out_dir / stale, ignore_errors=True)
    cleaned, sources, findings = _collect(usecase, out_dir / _COLLECTED, progress, day, cache_file)
    images = [image for image in cleaned if image.is_labelled]
    to_label = [image for image in cleaned if not image.is_labelled]
    splits = assign_splits(images, data.split)
    if data.synthetic_share is not None:
        images, splits, left_out = mixed(images, splits, data.synthetic_share, data.split.seed)
        findings += left_out
    written = write_images(images, splits, out_dir, progress)
    set_apart(to_label, out_dir / _TO_LABEL)
    dataset = _record(usecase, written, sources, findings, len(to_label))
    _write_records(dataset, written, images, findings, out_dir)
    shutil.rmtree(out_dir / _COLLECTED, ignore_errors=True)
    return dataset


def _collect(
    usecase: UseCase, work_dir: Path, progress: Progress, day: date, cache_file: Path | None
) -> tuple[list[CleanImage], list[SourceRecord], list[Finding]]:
    cleaner = Cleaner(usecase.classes, cache_file)
    images, sources, findings = [], [], []
    for gathered in gather(usecase, work_dir, progress):
        settings, items = gathered.settings, gathered.items
        findings += gathered.findings
        for item, name in zip(items, gathered.names, strict=True):
            if item.provenance:
                check(item.provenance, usecase.compliance, f"data.sources.{gathered.name}: {name}", day)
        progress.start("cleaning", len(items))
        images += cleaner.clean(items, _advancing(gathered.names, progress), gathered.name)
        progress.done()
        sources.append(SourceRecord(kind=settings.kind, images=len(items), provenance=settings.provenance))
    return images, sources, findings + cleaner.findings


def _advancing(names: Sequence[str], progress: Progress) -> Iterator[str]:
    for name in names:
        yield name
        progress.advance()


def _record(
    usecase: UseCase,
    written: Sequence[Written],
    sources: Sequence[SourceRecord],
    findings: Sequence[Finding],
    to_label: int,
) -> Dataset:
    boxes = {split: _boxes_by_class(written, split, usecase.classes) for split in SPLITS}
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


def _boxes_by_class(written: Sequence[Written], split: SplitName, classes: Sequence[str]) -> dict[str, int]:
    ids = [item.image.class_ids for item in written if item.split == split]
    counts = np.bincount(np.concatenate([np.empty(0, np.int64), *ids]), minlength=len(classes))
    return dict(zip(classes, counts.tolist(), strict=True))


def _write_records(
    dataset: Dataset,
    written: Sequence[Written],
    images: Sequence[CleanImage],
    findings: Sequence[Finding],
    out_dir: Path,
) -> None:
    """Write everything about the images; `dataset.json` comes last and says that the dataset is whole."""
    description = {split: f"images/{split}" for split in SPLITS} | {"names": dict(enumerate(dataset.classes))}
    write_text(out_dir / "data.yaml", yaml.safe_dump(description, sort_keys=False))
    write_listing(
        out_dir / "cleaning.json",
        {"counts": dict(dataset.findings)}, "findings", (asdict(finding) for finding in findings),
    )  # fmt: skip
    write_listing(
        out_dir / "inventory.json", inventory(dataset), "files", (item.listed() for item in written)
    )
    contact_sheet(images, dataset.classes, out_dir / "contact_sheet.jpg")
    quality = measure(dataset, written)
    write_json(out_dir / "quality.json", quality.to_json())
    write_text(out_dir / "quality.html", quality_page(dataset, quality, written, out_dir))
    write_json(out_dir / "dataset.json", dataset.model_dump(mode="json"))
