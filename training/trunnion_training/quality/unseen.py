"""Which images of a dataset a model has not learnt from, so that it may judge their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import BadInput
from trunnion_contract.strict import json_value, read_file


@dataclass(frozen=True)
class Unseen:
    """Images that may be judged, seen from the dataset, and how that is known."""

    files: Sequence[str]
    known_by: str


def listed_files(dataset_dir: Path) -> list[Mapping[str, Any]]:
    """The lines of a dataset's inventory: `file`, `sha256`, `scene` and more of each image."""
    file = dataset_dir / "inventory.json"
    rows: list[Mapping[str, Any]] = json_value(read_file(file), str(file))["files"]
    return rows


def unseen(dataset_dir: Path, dataset: Dataset, learnt_from: str | None, versions_dir: Path) -> Unseen:
    """What a model that learnt from the dataset with the digest `learnt_from` has not seen in training.

    Raises:
        BadInput: it learnt from all of it.
    """
    rows = listed_files(dataset_dir)
    if learnt_from == dataset.digest:
        files = [row["file"] for row in rows if not row["file"].startswith("images/train/")]
        return Unseen(files, "it did not learn from these splits (val chose its best epoch): val, test")
    kept = next((folder for folder in versions_dir.glob(f"{(learnt_from or '?')[:16]}*")), None)
    if kept is None:
        return Unseen(
            [row["file"] for row in rows],
            "NOT KNOWN: the dataset that it learnt from is not kept here; where it learnt from these images, it "
            "repeats their errors",
        )
    learnt = {row["sha256"] for row in listed_files(kept) if row["file"].startswith("images/train/")}
    files = [row["file"] for row in rows if row["sha256"] not in learnt]
    if not files:
        raise BadInput(
            where=str(dataset_dir), got="a model that learnt from every image", wanted="images that it has not seen",
            next_step="use --folds 5, which trains others for it",
        )  # fmt: skip
    return Unseen(
        files, f"the dataset {learnt_from[:12] if learnt_from else ''} that it learnt from has none of them"
    )
