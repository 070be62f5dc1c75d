"""`augmentation.html`: what training does to images, drawn by the code that does it, and what it learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from trunnion_contract.dataset import Dataset
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_edge.accuracy import TrueBoxes
from trunnion_edge.labelled_images import labelled, split_images
from trunnion_training.quality.report import Section, page
from trunnion_training.quality.thumbnails import MARKED, Drawn, Thumbnail, drawn
from trunnion_training.quality.unseen import listed_files
from trunnion_training.vision.family import Family, detector_settings

_IMAGES_OF_A_CLASS, _CHANGED = 2, 3


def augmentation_page(usecase: UseCase, dataset_dir: Path, family: Family) -> str:
    """The whole page: of each class a few images as they are, and each a few times as training sees it.

    Raises:
        BadInput: the use case asks for an augmentation that the family does not do.
    """
    dataset = read_json(Dataset, dataset_dir / "dataset.json")
    sections = [
        Section(name, len(files), "", _rows(usecase, family, files))
        for name, files in zip(dataset.classes, _examples(dataset_dir, len(dataset.classes)), strict=True)
    ]
    sources = [row["source"] for row in listed_files(dataset_dir) if row["file"].startswith("images/train/")]
    data = usecase.data
    return page(
        "augmentation.html.j2", dataset=dataset, sections=sections, settings=family.augmentation(usecase),
        base=detector_settings(usecase).base, trained=len(sources),
        simulated=sum(source.endswith("-simulation") for source in sources),
        asked=data.synthetic_share if data else None,
    )  # fmt: skip


def _examples(dataset_dir: Path, classes: int) -> list[list[Path]]:
    """The first images to train on that show each class; most of the split stays unread."""
    found: list[list[Path]] = [[] for _ in range(classes)]
    for image in split_images(dataset_dir, "train"):
        label = dataset_dir / "labels" / "train" / f"{image.stem}.txt"
        for kind in {int(line.split()[0]) for line in label.read_text(encoding="utf-8").splitlines()}:
            if len(found[kind]) < _IMAGES_OF_A_CLASS:
                found[kind].append(image)
        if all(len(files) == _IMAGES_OF_A_CLASS for files in found):
            break
    return found


def _rows(usecase: UseCase, family: Family, files: Sequence[Path]) -> list[list[Thumbnail]]:
    seed = detector_settings(usecase).seed
    again = [family.augmented(usecase, files, seed + time) for time in range(_CHANGED)] if files else []
    return [
        [
            drawn(image, f"{file.name}, as it is", list(_drawn(truth, usecase.classes))),
            *(
                drawn(picture, "as it is learnt from", list(_drawn(boxes, usecase.classes)))
                for picture, boxes in (changed[place] for changed in again)
            ),
        ]
        for place, (file, (image, truth)) in enumerate(zip(files, labelled(list(files)), strict=True))
    ]


def _drawn(truth: TrueBoxes, classes: Sequence[str]) -> Iterator[Drawn]:
    for box, kind in zip(truth.boxes_px.tolist(), truth.class_ids.tolist(), strict=True):
        yield Drawn(box, classes[kind], MARKED)
