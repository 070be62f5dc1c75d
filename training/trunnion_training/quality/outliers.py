"""Labels that stand out: boxes of a size or shape unlike the others of their class, and boxes upon each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trunnion_edge.accuracy import overlaps
from trunnion_training.dataset_files import Written

_BOXES_MIN = 20
# In standard deviations of a normal distribution, reckoned from the middle half: one box in ten thousand by chance.
_FAR = 4.0
_LEAST_SPREAD = 0.1
_OVERLAP_MIN = 0.8


@dataclass(frozen=True)
class OddBox:
    """A box that somebody should look at.

    Attributes:
        file: the image, seen from the dataset.
        box: its position in the label file, from 0.
        what: the kind of oddity, one of a few phrases that can be counted.
        score: how odd, the greater the odder; comparable within a kind.
    """

    file: str
    box: int
    label: str
    what: str
    score: float
    detail: str


def odd_boxes(written: Sequence[Written], classes: Sequence[str]) -> list[OddBox]:
    """All boxes that stand out, the oddest of each kind first."""
    found = [*_unlike_their_class(written, classes), *_upon_each_other(written, classes)]
    return sorted(found, key=lambda box: (box.what, -box.score, box.file, box.box))


def _unlike_their_class(written: Sequence[Written], classes: Sequence[str]) -> Iterator[OddBox]:
    owners = [(item, box) for item in written for box in range(len(item.image.class_ids))]
    if not owners:
        return
    ids = np.concatenate([item.image.class_ids for item in written])
    corners = np.concatenate([item.image.boxes_px for item in written]).astype(np.float64)
    areas_px = np.array([item.image.seen.size_px[0] * item.image.seen.size_px[1] for item, _ in owners])
    sides = corners[:, 2:] - corners[:, :2]
    shares, aspects = sides.prod(axis=1) / areas_px, sides[:, 0] / sides[:, 1]
    for index, label in enumerate(classes):
        mine = np.flatnonzero(ids == index)
        if len(mine) < _BOXES_MIN:
            continue
        for what, values, unit in (
            ("odd size", shares, "of the image"),
            ("odd aspect", aspects, "wide for its height"),
        ):
            distances = _distances(np.log(values[mine]))
            for place in np.flatnonzero(np.abs(distances) > _FAR).tolist():
                item, box = owners[mine[place]]
                detail = f"{values[mine[place]]:.3g} {unit}; half of the class lie around {np.median(values[mine]):.3g}"
                yield OddBox(item.file, box, label, what, round(abs(float(distances[place])), 2), detail)


def _distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many standard deviations each value is from the median, reckoned from the median of distances."""
    away = values - np.median(values)
    distances: NDArray[np.float64] = away / max(1.4826 * float(np.median(np.abs(away))), _LEAST_SPREAD)
    return distances


def _upon_each_other(written: Sequence[Written], classes: Sequence[str]) -> Iterator[OddBox]:
    for item in written:
        if len(item.image.class_ids) < 2:
            continue
        shared = np.triu(overlaps(item.image.boxes_px, item.image.boxes_px), 1)
        for a, b in np.argwhere(shared > _OVERLAP_MIN).tolist():
            names = classes[item.image.class_ids[a]], classes[item.image.class_ids[b]]
            what = "labelled twice" if names[0] == names[1] else "two classes in one place"
            yield OddBox(item.file, b, names[1], what, round(float(shared[a, b]), 3), f"over a {names[0]}")
