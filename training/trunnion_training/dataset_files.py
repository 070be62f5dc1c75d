"""The files of a dataset: images and labels in YOLO form, in a folder for each split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trunnion_contract.dataset import SplitName
from trunnion_contract.files import digest_file
from trunnion_contract.progress import Progress
from trunnion_training.cleaning import CleanImage
from trunnion_training.pictures import write_jpeg
from trunnion_training.split import SPLITS


@dataclass(frozen=True)
class Written:
    """One image as it stands in the dataset.

    Attributes:
        name: of the image file in `images/<split>`.
        sha256: of that file.
        label: the text of its label file.
    """

    image: CleanImage
    split: SplitName
    name: str
    sha256: str
    label: str

    @property
    def file(self) -> str:
        """The image file, seen from the dataset's folder."""
        return f"images/{self.split}/{self.name}"

    @property
    def source(self) -> str:
        """Position and kind of the source that it came from."""
        return self.image.scene.partition("/")[0]

    def listed(self) -> dict[str, Any]:
        """A line of the inventory; what is known of one file alone stands beside it."""
        line = {"file": self.file, "source": self.source, "sha256": self.sha256}
        said = self.image.provenance
        return line | ({"provenance": said.model_dump(mode="json")} if said else {})


def write_images(
    images: Sequence[CleanImage], splits: Sequence[SplitName], out_dir: Path, progress: Progress
) -> list[Written]:
    """Write each image with its labels into the folder of its split; in the order of splits and names."""
    for split in SPLITS:
        (out_dir / "images" / split).mkdir(parents=True, exist_ok=True)
        (out_dir / "labels" / split).mkdir(parents=True, exist_ok=True)
    progress.start("writing the dataset", len(images))
    written = []
    for image, split in zip(images, splits, strict=True):
        written.append(_write_one(image, split, out_dir))
        progress.advance()
    progress.done()
    return sorted(written, key=lambda item: (item.split, item.name))


def set_apart(images: Sequence[CleanImage], folder: Path) -> None:
    """Write images that nobody has labelled yet, for a labelling tool to take."""
    for image in images:
        folder.mkdir(parents=True, exist_ok=True)
        write_jpeg(image.image, folder / f"{_stem(image)}.jpg", image.seen.is_plain_jpeg)


def yolo_label(image: CleanImage) -> str:
    """The label file: a line per box, class id, centre and size as shares of the image."""
    scale = np.array([*image.seen.size_px, *image.seen.size_px], dtype=np.float64)
    corners = image.boxes_px.astype(np.float64) / scale
    centres, sizes = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    rows = zip(image.class_ids, np.hstack([centres, sizes]), strict=True)
    return "".join(f"{index} " + " ".join(f"{value:.8f}" for value in row) + "\n" for index, row in rows)


def _write_one(image: CleanImage, split: SplitName, out_dir: Path) -> Written:
    name = _stem(image)
    target = out_dir / "images" / split / f"{name}.jpg"
    write_jpeg(image.image, target, image.seen.is_plain_jpeg)
    sha256 = image.seen.file_sha256 if image.seen.is_plain_jpeg else digest_file(target)
    label = yolo_label(image)
    (out_dir / "labels" / split / f"{name}.txt").write_text(label)
    return Written(image, split, target.name, sha256, label)


def _stem(image: CleanImage) -> str:
    """The name of an image in the dataset: what people know it by, and enough of its digest to be its own."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(image.name).stem)[:60]
    return f"{stem}-{image.seen.pixels_sha256[:8]}"
