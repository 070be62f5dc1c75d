"""The inventory: what a person who answers for the data asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunnion_contract.dataset import Dataset, SourceRecord


def inventory(dataset: Dataset) -> dict[str, Any]:
    """`inventory.json` without its `files`: origin, licence, personal data, consent and retention of each source.

    `files` follow with name, source and sha256 of every image, and what a table said of it alone.
    """
    return {
        "dataset": dataset.name,
        "digest": dataset.digest,
        "sources": [_source(record) for record in dataset.sources],
        "personal_data": strictest(dataset.sources),
        "images": dict(dataset.images),
        "boxes": {split: dict(counts) for split, counts in dataset.boxes.items()},
        "findings": dict(dataset.findings),
    }


def strictest(sources: Sequence[SourceRecord]) -> str:
    """The gravest answer that any source gives to the question of personal data."""
    grave = ("none", "incidental", "yes")
    return max((record.provenance.personal_data for record in sources), key=grave.index, default="none")


def _source(record: SourceRecord) -> dict[str, Any]:
    return {"kind": record.kind, "images": record.images, **record.provenance.model_dump(mode="json")}
