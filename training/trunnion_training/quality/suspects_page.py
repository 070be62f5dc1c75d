"""`suspects.html`: labels that a detector disagrees with, as pictures with both boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from trunnion_contract.dataset import Dataset
from trunnion_training.quality.report import Section, page
from trunnion_training.quality.suspects import Suspect
from trunnion_training.quality.thumbnails import MARKED, SUGGESTED, Drawn, Thumbnail, thumbnail

_SHOWN = 24
_ADVICE = {
    "missed object": "The detector is sure of an object where nothing is labelled.",
    "spurious label": "The detector sees nothing at all where something is labelled.",
    "wrong class": "The detector is sure of another class in the same place.",
    "badly placed box": "The detector places the same object elsewhere.",
}


def suspects_page(
    dataset: Dataset, found: Sequence[Suspect], dataset_dir: Path, judged_by: str, judged: int
) -> str:
    """The whole page; labels are orange, what the detector sees is green."""
    counts = Counter(one.kind for one in found)
    sections = []
    for kind, advice in _ADVICE.items():
        shown = [_picture(one, dataset_dir) for one in [one for one in found if one.kind == kind][:_SHOWN]]
        sections.append(Section(kind, counts[kind], advice, [shown]))
    return page(
        "suspects.html.j2",
        dataset=dataset,
        sections=sections,
        total=len(found),
        judged_by=judged_by,
        judged=judged,
    )


def _picture(one: Suspect, dataset_dir: Path) -> Thumbnail:
    boxes = []
    if one.box_px:
        boxes.append(Drawn(one.box_px, one.label or "", MARKED))
    if one.suggested_px:
        boxes.append(Drawn(one.suggested_px, f"{one.suggested} {one.confidence:.2f}", SUGGESTED))
    return thumbnail(dataset_dir / one.file, f"{one.score:.2f}: {one.file}", boxes)
