"""Cleaning: what cannot be learnt from is dropped or mended, and each such item is listed with its reason.

Rules. A picture that does not decode to its end is dropped. Of pictures with the same bytes, or other bytes and the
same pixels, the first stays. A box is clipped when at least half of it lies inside the picture, else dropped; so are
boxes that are no numbers, thinner than a pixel, of a class the use case does not know, or given twice. A picture that
came without objects stays as background; one whose every box was dropped goes too, because something is in it. One
that nobody has labelled is set apart. A file that is gone is no finding: its source has vanished, and the run ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.data_sources import Provenance
from trunnion_contract.dataset import LabelledImage
from trunnion_training.findings import Finding
from trunnion_training.inspection import Inspected, inspect_all
from trunnion_training.pictures import Unreadable

_SIDE_MIN_PX = 1.0
_INSIDE_MIN = 0.5
# Text formats round coordinates; a hundredth of a pixel is no finding.
_ROUNDING_PX = 0.01

_Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class CleanImage:
    """One image that can be learnt from.

    Attributes:
        image: the picture's file.
        name: the file's name for people, relative to its source.
        boxes_px: float32 [n, 4], all inside the picture.
        class_ids: int64 [n].
        seen: what the picture's file holds.
        scene: as its source gave it, unique over all sources.
        is_labelled, recorded_s, provenance: as its source gave them.
    """

    image: Path
    name: str
    boxes_px: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    seen: Inspected
    scene: str
    is_labelled: bool = True
    recorded_s: float | None = None
    provenance: Provenance | None = None


class Cleaner:
    """Cleans one image after another; remembers what it has seen, and what it found."""

    def __init__(self, classes: tuple[str, ...], cache_file: Path | None = None) -> None:
        self._cache_file = cache_file
        self._ids = {name: index for index, name in enumerate(classes)}
        self._bytes_seen: dict[str, str] = {}
        self._pixels_seen: dict[str, str] = {}
        self.findings: list[Finding] = []

    def clean(
        self, items: Sequence[LabelledImage], names: Iterable[str], source: str
    ) -> Iterator[CleanImage]:
        """The items of one source that can be learnt from; `names` are their names for people."""
        looked_at = inspect_all([item.image for item in items], self._cache_file)
        for item, name, seen in zip(items, names, looked_at, strict=True):
            cleaned = self._clean(item, name, seen, source)
            if cleaned is not None:
                yield cleaned

    def _clean(
        self, item: LabelledImage, name: str, seen: Inspected | Unreadable, source: str
    ) -> CleanImage | None:
        if isinstance(seen, Unreadable):
            self._found(name, "unreadable image", "image dropped", str(seen))
            return None
        if self._is_duplicate(name, seen.file_sha256, seen.pixels_sha256):
            return None
        boxes, ids = self._boxes(item, name, seen.size_px)
        if not item.is_labelled:
            self._found(name, "no labels yet", "set apart to be labelled")
        elif not len(item.labels):
            self._found(name, "no objects", "kept as background")
        elif not len(ids):
            self._found(name, "no box left", "image dropped", "every box was dropped, yet something is in it")
            return None
        return CleanImage(
            item.image, name, boxes, ids, seen, f"{source}/{item.scene}",
            item.is_labelled, item.recorded_s, item.provenance,
        )  # fmt: skip

    def _is_duplicate(self, name: str, content: str, pixels: str) -> bool:
        if content in self._bytes_seen:
            self._found(name, "duplicate file", "image dropped", f"same bytes as {self._bytes_seen[content]}")
            return True
        if pixels in self._pixels_seen:
            self._found(
                name, "duplicate picture", "image dropped", f"same pixels as {self._pixels_seen[pixels]}"
            )
            return True
        self._bytes_seen[content] = self._pixels_seen[pixels] = name
        return False

    def _boxes(
        self, item: LabelledImage, name: str, size: tuple[int, int]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        kept: dict[tuple[float, float, float, float, int], int] = {}
        for box, label in zip(item.boxes_px.astype(np.float64).tolist(), item.labels, strict=True):
            mended = self._box(box, label, name, size)
            if mended is None:
                continue
            key = (*mended, self._ids[label])
            if key in kept:
                self._found(name, "duplicate box", "box dropped", _text(box, label))
            kept[key] = self._ids[label]
        corners = np.array([key[:4] for key in kept], dtype=np.float32).reshape(-1, 4)
        return corners, np.array(list(kept.values()), dtype=np.int64)

    def _box(self, box: Sequence[float], label: str, name: str, size: tuple[int, int]) -> _Corners | None:
        """The box inside the picture, or None where it is dropped."""
        problem = _problem(box, label, self._ids)
        clipped = _clipped(box, size)
        if problem is None and _area(clipped) < _INSIDE_MIN * _area(box):
            problem = "box outside the image"
        if problem is None and min(clipped[2] - clipped[0], clipped[3] - clipped[1]) < _SIDE_MIN_PX:
            problem = "box thinner than a pixel"
        if problem is not None:
            self._found(name, problem, "box dropped", _text(box, label))
            return None
        if max(abs(new - old) for new, old in zip(clipped, box, strict=True)) > _ROUNDING_PX:
            self._found(name, "box beyond the image", "box clipped", _text(box, label))
        return clipped

    def _found(self, name: str, what: str, done: str, detail: str = "") -> None:
        self.findings.append(Finding(name, what, done, detail))


# Single boxes are plain numbers here: most images hold a few, and arrays of four cost more than they save.
def _problem(box: Sequence[float], label: str, known: dict[str, int]) -> str | None:
    if label not in known:
        return "unknown class"
    if not all(map(math.isfinite, box)):
        return "box that is no number"
    if box[2] <= box[0] or box[3] <= box[1]:
        return "box without an area"
    return None


def _clipped(box: Sequence[float], size: tuple[int, int]) -> _Corners:
    width, height = size
    x1, y1, x2, y2 = box
    return (
        min(max(x1, 0.0), width), min(max(y1, 0.0), height),
        min(max(x2, 0.0), width), min(max(y2, 0.0), height),
    )  # fmt: skip


def _area(box: Sequence[float]) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _text(box: Sequence[float], label: str) -> str:
    return f"{label[:60]} " + " ".join(f"{value:.6g}" for value in box)
