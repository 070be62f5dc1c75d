"""What a frame's class ids are called: by the labels of the model that made them, and by no others. No ROS.

A detector may be given another model while it runs. Its detections and its labels come on different topics, which may
overtake each other and lose messages; so neither is used by the order in which it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")
# The stamp (seconds, nanoseconds) and the frame of a header.
Stamp = tuple[int, int, str]
Labels = tuple[str, ...]
# A few frames or models are under way between two topics; more are those whose other half was lost.
_KEPT = 8


@dataclass(frozen=True)
class Labelled(Generic[A]):
    """Detections, and what their class ids are called."""

    detections: A
    labels: Labels


class Halves(Generic[A, B]):
    """Joins what two topics say under the same header.

    Who contradicts himself under one header (a clock that stands still) is not believed.
    """

    def __init__(self) -> None:
        self._first: dict[Stamp, A | None] = {}
        self._second: dict[Stamp, B | None] = {}

    def add_first(self, stamp: Stamp, value: A) -> None:
        """What the one topic says."""
        _add(self._first, stamp, value)

    def add_second(self, stamp: Stamp, value: B) -> None:
        """What the other topic says."""
        _add(self._second, stamp, value)

    def at(self, stamp: Stamp) -> tuple[A, B] | None:
        """Both, once both are there."""
        first, second = self._first.get(stamp), self._second.get(stamp)
        return None if first is None or second is None else (first, second)

    def all(self) -> list[tuple[A, B]]:
        """Every pair that is kept, the latest first."""
        return [pair for stamp in reversed(self._second) if (pair := self.at(stamp)) is not None]


class ModelLabels(Generic[A]):
    """Gives detections out with the labels of their model, and drops those whose labels nobody has told.

    Args:
        known: labels by the digest of the model that has them.
    """

    def __init__(self, known: Mapping[str, Labels]) -> None:
        self._known = dict(known)
        self._models = Halves[Labels, str]()
        self._frames = Halves[A, str]()
        self._last_digest: str | None = None

    def add_labels(self, stamp: Stamp, labels: Labels) -> None:
        """A model's labels (`label_info`)."""
        self._models.add_first(stamp, labels)

    def add_model(self, stamp: Stamp, digest: str) -> None:
        """Whose they are (`vision_info` of the same header)."""
        self._models.add_second(stamp, digest)

    def add_detections(self, stamp: Stamp, detections: A) -> Labelled[A] | None:
        """Detections in a frame; returned with their labels once their source has come too."""
        self._frames.add_first(stamp, detections)
        return self._labelled(stamp)

    def add_source(self, stamp: Stamp, digest: str) -> Labelled[A] | None:
        """Which model made the detections of that header (`detection_source`)."""
        self._last_digest = digest
        self._frames.add_second(stamp, digest)
        return self._labelled(stamp)

    @property
    def wanting(self) -> str:
        """What is missing to know the labels of the last frame; empty when they are known."""
        if self._last_digest is None:
            return "no detection_source has come: nobody says which model detects"
        if self._labels_of(self._last_digest) is None:
            return (
                f"no label_info and vision_info of one header have come from model {self._last_digest[:12]}"
            )
        return ""

    def _labelled(self, stamp: Stamp) -> Labelled[A] | None:
        if (frame := self._frames.at(stamp)) is None:
            return None
        detections, digest = frame
        labels = self._labels_of(digest)
        return None if labels is None else Labelled(detections, labels)

    def _labels_of(self, digest: str) -> Labels | None:
        told = (labels for labels, of in self._models.all() if of == digest)
        return self._known.get(digest) or next(told, None)


def _add(kept: dict[Stamp, A | None], stamp: Stamp, value: A) -> None:
    """Keep the last few; None for a contradiction."""
    kept[stamp] = None if stamp in kept and kept[stamp] != value else value
    while len(kept) > _KEPT:
        del kept[next(iter(kept))]
