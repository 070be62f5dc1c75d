"""`quality.html`: a dataset's quality as a page for people, in one file that asks the network for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trunnion_contract.dataset import Dataset
from trunnion_training.dataset_files import Written
from trunnion_training.quality.measures import Quality
from trunnion_training.quality.outliers import OddBox
from trunnion_training.quality.thumbnails import MARKED, PLAIN, Drawn, Thumbnail, thumbnail

_HERE = Path(__file__).parent
_GROUPS_SHOWN, _OF_A_GROUP, _BOXES_SHOWN = 6, 3, 8


@dataclass(frozen=True)
class Section:
    """Things of one kind to look at: how many there are, what to do about them, and a few of them as pictures."""

    title: str
    count: int
    advice: str
    rows: Sequence[Sequence[Thumbnail]]


def quality_page(dataset: Dataset, quality: Quality, written: Sequence[Written], dataset_dir: Path) -> str:
    """The whole page. The same dataset gives the same text."""
    by_file = {item.file: item for item in written}
    sections = [
        _groups(
            "Alike, and in more than one split", quality.leaks, by_file, dataset_dir,
            "What is tested has been learnt: give such pictures one scene, or leave all but one out.",
        ),
        _groups(
            "Alike, within a split", quality.near_duplicates, by_file, dataset_dir,
            "They weigh more than other pictures without showing more.",
        ),
        *_odd_boxes(quality.odd_boxes, by_file, dataset_dir),
        _groups(
            "Alike, once red and blue are exchanged", quality.exchanged_twins, by_file, dataset_dir,
            "One of each pair was probably written by a tool that takes BGR for RGB.",
        ),
    ]  # fmt: skip
    return page("quality.html.j2", dataset=dataset, quality=quality, sections=sections)


def page(template: str, *, folder: Path = _HERE, **values: object) -> str:
    """A page from a template of a folder, with the look that stands in this one."""
    environment = Environment(
        loader=FileSystemLoader([folder, _HERE]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(template).render(**values) + "\n"


def _groups(
    title: str, groups: Sequence[Sequence[str]], by_file: Mapping[str, Written], folder: Path, advice: str
) -> Section:
    largest = sorted(groups, key=len, reverse=True)[:_GROUPS_SHOWN]
    rows = [
        [
            thumbnail(folder / file, f"{by_file[file].split}: {by_file[file].image.name}")
            for file in _spread(group, by_file)
        ]
        for group in largest
    ]
    return Section(title, len(groups), advice, rows)


def _spread(group: Sequence[str], by_file: Mapping[str, Written]) -> list[str]:
    """A few of a group, from as many splits as there are."""
    seen: dict[str, list[str]] = {}
    for file in group:
        seen.setdefault(by_file[file].split, []).append(file)
    first = [files[0] for files in seen.values()]
    return [*first, *(file for file in group if file not in first)][:_OF_A_GROUP]


def _odd_boxes(boxes: Sequence[OddBox], by_file: Mapping[str, Written], folder: Path) -> list[Section]:
    sections = []
    for what, group in groupby(boxes, key=lambda box: box.what):
        found = list(group)
        shown = [
            thumbnail(folder / box.file, f"{box.label}: {box.detail}", _drawn(box, by_file[box.file]))
            for box in found[:_BOXES_SHOWN]
        ]
        advice = (
            "A slip of the mouse, a wrong class, or a rare sight that is right: look, and correct the labels."
        )
        sections.append(Section(f"Boxes: {what}", len(found), advice, [shown]))
    return sections


def _drawn(odd: OddBox, item: Written) -> list[Drawn]:
    return [
        Drawn(box, "", MARKED if index == odd.box else PLAIN)
        for index, box in enumerate(item.image.boxes_px.tolist())
    ]
