"""Labels that a detector disagrees with, the likeliest errors first.

Each disagreement is held against how often the detector disagrees in that way with labels of that class: one that
overlooks every tenth object says little of a label by seeing nothing there. The ideas are those of Confident Learning
(Northcutt et al., 2021) and ObjectLab (Tkachenko et al., 2023), whose library is AGPL-3.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trunnion_edge.accuracy import Floats, TrueBoxes, overlaps
from trunnion_edge.decode import Detections

Kind = Literal["missed object", "spurious label", "wrong class", "badly placed box"]
Box = tuple[float, float, float, float]

# Overlaps: of one place, of a box that lies badly, and of boxes that have something to do with each other.
_SAME, _WELL_PLACED, _NEAR = 0.5, 0.6, 0.2
# Below this score nothing was seen.
_UNSURE = 0.05
# The share of wrong labels in ten well-known data sets (Northcutt et al., 2021): what is expected beforehand.
_WRONG = 0.033


@dataclass(frozen=True)
class Suspect:
    """A label, or a place without one, that somebody should look at.

    Attributes:
        file: the image, seen from the dataset.
        score: in [0, 1], how likely it is an error; comparable over kinds.
        box: position of the label in its file, from 0; None for a missed object.
        label, box_px: the class and the place that were labelled.
        suggested, suggested_px: those that the detector sees, with its `confidence`; None where it sees nothing.
    """

    file: str
    kind: Kind
    score: float
    box: int | None = None
    label: str | None = None
    box_px: Box | None = None
    suggested: str | None = None
    suggested_px: Box | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Judged:
    """An image with its labels, and what a detector that has not learnt from it sees there, unsure boxes too."""

    file: str
    labelled: TrueBoxes
    seen: Detections


@dataclass(frozen=True)
class _Trust:
    """By class, how likely a disagreement is an error of the label, in [0, 1].

    Nothing is seen; a sure box lies on no label, on one of another class, or beside one of its class.
    """

    unseen: Floats
    alone: Floats
    named: Floats
    beside: Floats


def suspects(judged: Sequence[Judged], classes: Sequence[str], sure: float) -> list[Suspect]:
    """All suspects, the likeliest error first; `sure` is the score from which the detector is taken at its word."""
    trust = _trust(judged, len(classes), sure)
    found = [one for image in judged for one in _of_image(image, classes, sure, trust)]
    return sorted(found, key=lambda one: (-one.score, one.file, -1 if one.box is None else one.box))


def _of_image(image: Judged, classes: Sequence[str], sure: float, trust: _Trust) -> Iterator[Suspect]:
    overlap = overlaps(image.seen.boxes_px, image.labelled.boxes_px)
    for label in range(len(image.labelled.class_ids)):
        one = _of_label(image, label, overlap[:, label], classes, sure, trust)
        if one is not None:
            yield one
    certain, reported = np.flatnonzero(image.seen.scores >= sure), list[int]()
    for place in certain[_alone(overlap[certain])].tolist():
        # Of several boxes upon one object, the surest stands for all.
        again = overlaps(image.seen.boxes_px[[place]], image.seen.boxes_px[reported])
        if not (again >= _SAME).any():
            reported.append(place)
            kind, score = int(image.seen.class_ids[place]), float(image.seen.scores[place])
            yield Suspect(
                image.file, "missed object", _rounded(score * trust.alone[kind]),
                **_suggestion(image, place, classes),
            )  # fmt: skip


def _alone(overlap: Floats) -> NDArray[np.bool_]:
    """Which of n sure boxes lie on none of m labels; at the edge of one that another lies on is on none."""
    near = overlap.max(axis=1, initial=0.0)
    best = overlap >= np.maximum(overlap.max(axis=0, initial=0.0), _NEAR)
    alone: NDArray[np.bool_] = (near < _SAME) & ~best.any(axis=1)
    return alone


def _of_label(
    image: Judged, label: int, overlap: Floats, classes: Sequence[str], sure: float, trust: _Trust
) -> Suspect | None:
    """The gravest thing that speaks against one label, if any does."""
    seen, own = image.seen, int(image.labelled.class_ids[label])
    same_class = seen.class_ids == own
    grounds: list[tuple[float, Kind, int | None]] = []
    near = float(seen.scores[overlap >= _NEAR].max(initial=0.0))
    if near < _UNSURE:
        grounds.append(((1 - near) * float(trust.unseen[own]), "spurious label", None))
    agrees = float(seen.scores[same_class & (overlap >= _SAME)].max(initial=0.0))
    for place in np.flatnonzero((seen.scores >= sure) & (overlap >= _NEAR)).tolist():
        score, kind = float(seen.scores[place]), int(seen.class_ids[place])
        if kind != own and overlap[place] >= _SAME:
            grounds.append(((score - agrees) * float(trust.named[kind]), "wrong class", place))
        if kind == own and overlap[place] < _WELL_PLACED and overlap[same_class].max() < _WELL_PLACED:
            grounds.append((score * float(trust.beside[own]), "badly placed box", place))
    score, what, place_or_none = max(
        grounds, default=(0.0, "spurious label", None), key=lambda ground: ground[0]
    )
    if score <= 0:
        return None
    x1, y1, x2, y2 = image.labelled.boxes_px[label].tolist()
    suggestion = {} if place_or_none is None else _suggestion(image, place_or_none, classes)
    return Suspect(image.file, what, _rounded(score), label, classes[own], (x1, y1, x2, y2), **suggestion)


def _suggestion(image: Judged, place: int, classes: Sequence[str]) -> dict[str, Any]:
    x1, y1, x2, y2 = image.seen.boxes_px[place].tolist()
    return {
        "suggested": classes[int(image.seen.class_ids[place])],
        "suggested_px": (x1, y1, x2, y2),
        "confidence": _rounded(float(image.seen.scores[place])),
    }


def _trust(judged: Sequence[Judged], classes: int, sure: float) -> _Trust:
    labels, unseen, boxes, alone, on_label, named, beside = (np.zeros(classes) for _ in range(7))
    for image in judged:
        own, seen = image.labelled.class_ids, image.seen.above(sure)
        overlap = overlaps(image.seen.boxes_px, image.labelled.boxes_px)
        noticed = ((overlap >= _NEAR) & (image.seen.scores >= _UNSURE)[:, None]).any(axis=0)
        _count(labels, own)
        _count(unseen, own[~noticed])
        _count(boxes, seen.class_ids)
        sure_overlap = overlaps(seen.boxes_px, image.labelled.boxes_px)
        near = ~_alone(sure_overlap)
        _count(alone, seen.class_ids[~near])
        kinds = seen.class_ids[near]
        if not len(kinds):
            continue
        _count(on_label, kinds)
        same = own[sure_overlap[near].argmax(axis=1)] == kinds
        _count(named, kinds[~same])
        _count(beside, kinds[same & (sure_overlap[near].max(axis=1) < _WELL_PLACED)])
    return _Trust(_odds(unseen, labels), _odds(alone, boxes), _odds(named, on_label), _odds(beside, on_label))


def _count(counts: Floats, class_ids: NDArray[np.int64]) -> None:
    np.add.at(counts, class_ids, 1)


def _odds(disagreements: Floats, of: Floats) -> Floats:
    odds: Floats = _WRONG / (_WRONG + disagreements / np.maximum(of, 1))
    return odds


def _rounded(value: float) -> float:
    return round(float(value), 4)
