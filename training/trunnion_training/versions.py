"""Versions of a dataset, kept under their digests, and what differs between two of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_folder
from trunnion_contract.strict import json_value, read_file, read_json

_DIGITS = 16


@dataclass(frozen=True)
class Difference:
    """What one version has and another has not; an image is the same when its file has the same bytes.

    Attributes:
        added, removed: image files.
        relabelled: image files whose boxes or classes are others.
        moved: image files with the split before and after.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: tuple[str, ...]
    moved: tuple[tuple[str, str, str], ...]

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(files) for name, files in asdict(self).items()}


def keep(dataset_dir: Path, versions_dir: Path) -> Path:
    """Keep a whole dataset under its digest; files are shared with it where the file system can, and not copied."""
    digest = read_json(Dataset, dataset_dir / "dataset.json").digest
    target = versions_dir / digest[:_DIGITS]
    if not target.is_dir():
        with whole_folder(target) as work:
            shutil.rmtree(work)
            shutil.copytree(dataset_dir, work, copy_function=_share, ignore=shutil.ignore_patterns(".*"))
    return target


def find_version(word: str, runs: Path) -> Path:
    """The dataset in a folder, or the kept one whose digest begins with `word`.

    Raises:
        BadInput: there is none, or more than one.
    """
    if (Path(word) / "inventory.json").is_file():
        return Path(word)
    found = sorted(runs.glob(f"*/versions/{word}*")) if word.isalnum() else []
    if len({folder.name for folder in found}) != 1:
        kept = ", ".join(sorted({folder.name for folder in runs.glob("*/versions/*")})) or "none is kept"
        raise BadInput(
            where=word, got="more than one version" if found else "no dataset",
            wanted=f"a dataset's folder, or the beginning of a digest ({kept})", next_step="name one of those",
        )  # fmt: skip
    return found[0]


def difference(before_dir: Path, after_dir: Path) -> Difference:
    """What changed from one version to another."""
    before, after = _files(before_dir), _files(after_dir)
    both = sorted(before.keys() & after.keys(), key=lambda sha256: after[sha256]["file"])
    splits = {sha256: (_split(before[sha256]), _split(after[sha256])) for sha256 in both}
    return Difference(
        added=tuple(sorted(row["file"] for sha256, row in after.items() if sha256 not in before)),
        removed=tuple(sorted(row["file"] for sha256, row in before.items() if sha256 not in after)),
        relabelled=tuple(
            after[sha256]["file"]
            for sha256 in both
            if _label(before_dir, before[sha256]) != _label(after_dir, after[sha256])
        ),
        moved=tuple((after[sha256]["file"], *splits[sha256]) for sha256 in both if len(set(splits[sha256])) == 2),
    )  # fmt: skip


def _files(dataset_dir: Path) -> dict[str, Mapping[str, Any]]:
    file = dataset_dir / "inventory.json"
    inventory = json_value(read_file(file), str(file))
    return {row["sha256"]: row for row in inventory["files"]}


def _split(row: Mapping[str, Any]) -> str:
    return str(row["file"]).split("/")[1]


def _label(dataset_dir: Path, row: Mapping[str, Any]) -> str:
    image = Path(row["file"])
    return read_file(dataset_dir / "labels" / _split(row) / f"{image.stem}.txt")


def _share(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
