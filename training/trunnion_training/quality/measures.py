"""Everything that is measured about a dataset's quality, as `quality.json` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trunnion_contract.dataset import Dataset
from trunnion_training.dataset_files import Written
from trunnion_training.quality.colours import Tint, exchanged_twins, tints
from trunnion_training.quality.near_duplicates import groups_alike
from trunnion_training.quality.outliers import OddBox, odd_boxes

# Lists are cut, counts are not: a file that nobody can open helps nobody.
LISTED_MAX = 1000
_IMBALANCE_MIN = 10


@dataclass(frozen=True)
class Quality:
    """What was measured.

    Attributes:
        leaks: groups of images that look alike and stand in more than one split.
        near_duplicates: groups of images that look alike within one split.
        odd_boxes: the oddest of each kind first.
        imbalance: boxes of the commonest class over those of the rarest; None where a class has none.
        missing: `class in split` for every split in which a class has no box.
    """

    leaks: list[list[str]]
    near_duplicates: list[list[str]]
    odd_boxes: list[OddBox]
    tints: list[Tint]
    exchanged_twins: list[tuple[str, str]]
    imbalance: float | None
    missing: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """How often each kind of thing to look at was found."""
        return {
            "near-duplicates across splits": len(self.leaks),
            "near-duplicates within a split": len(self.near_duplicates),
            **dict(sorted(Counter(box.what for box in self.odd_boxes).items())),
            "sources with suspicious colours": sum(tint.suspicious for tint in self.tints),
            "twins with red and blue exchanged": len(self.exchanged_twins),
            "splits without a class": len(self.missing),
            "unbalanced classes": int(self.imbalance is None or self.imbalance > _IMBALANCE_MIN),
        }

    def to_json(self) -> dict[str, Any]:
        """Plain data; lists end after a thousand, counts do not."""
        lists = {
            name: value[:LISTED_MAX] if isinstance(value, list) else value
            for name, value in asdict(self).items()
        }
        return {"counts": self.counts, **lists}


def measure(dataset: Dataset, written: Sequence[Written]) -> Quality:
    """Measure a dataset by what its images were found to hold; no picture is read again."""
    groups = groups_alike([item.image.seen.perceptual_hash for item in written])
    across = [group for group in groups if len({written[index].split for index in group}) > 1]
    within = [group for group in groups if len({written[index].split for index in group}) == 1]
    totals = {name: sum(boxes[name] for boxes in dataset.boxes.values()) for name in dataset.classes}
    return Quality(
        leaks=[[written[index].file for index in group] for group in across],
        near_duplicates=[[written[index].file for index in group] for group in within],
        odd_boxes=odd_boxes(written, dataset.classes),
        tints=tints(written),
        exchanged_twins=exchanged_twins(written, groups),
        imbalance=_imbalance(totals),
        missing=[
            f"{name} in {split}"
            for split, boxes in dataset.boxes.items()
            for name in dataset.classes
            if not boxes[name]
        ],
    )  # fmt: skip


def _imbalance(totals: Mapping[str, int]) -> float | None:
    if not totals or not min(totals.values()):
        return None
    return round(max(totals.values()) / min(totals.values()), 2)
