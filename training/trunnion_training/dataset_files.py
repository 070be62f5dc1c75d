"""The files of a dataset: images and labels in YOLO form, in a folder for each split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from trunnion_contract.dataset import SplitName
from trunnion_contract.files import digest_file
from trunnion_contract.progress import Progress
from trunnion_training.cleaning import CleanImage
from trunnion_training.file_workers import in_order
from trunnion_training.pictures import write_jpeg
from trunnion_training.split import SPLITS

_FOREIGN = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
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
        line = {"file": self.file, "source": self.source, "scene": self.image.scene, "sha256": self.sha256}
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
    planned = [_planned(image, split) for image, split in zip(images, splits, strict=True)]
    jobs = [(str(item.image.image), item.image.seen.is_plain_jpeg, item.file, item.label) for item in planned]
    written = []
    for item, encoded in zip(planned, in_order(partial(_write_batch, out_dir), jobs), strict=True):
        written.append(replace(item, sha256=encoded) if encoded else item)
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
    width, height = image.seen.size_px
    lines = []
    for index, corners in zip(image.class_ids.tolist(), image.boxes_px.tolist(), strict=True):
        x1, y1, x2, y2 = corners[0] / width, corners[1] / height, corners[2] / width, corners[3] / height
        lines.append(f"{index} {(x1 + x2) / 2:.8f} {(y1 + y2) / 2:.8f} {x2 - x1:.8f} {y2 - y1:.8f}\n")
    return "".join(lines)


def _planned(image: CleanImage, split: SplitName) -> Written:
    return Written(image, split, f"{_stem(image)}.jpg", image.seen.file_sha256, yolo_label(image))


def _write_batch(out_dir: Path, jobs: Sequence[tuple[str, bool, str, str]]) -> list[str | None]:
    """Write images and labels; the digest of each image that had to be encoded anew."""
    return [_write_one(out_dir, *job) for job in jobs]


def _write_one(out_dir: Path, source: str, is_plain: bool, file: str, label: str) -> str | None:
    target = out_dir / file
    write_jpeg(Path(source), target, is_plain)
    _, split, name = file.split("/")
    (out_dir / "labels" / split / f"{name.removesuffix('.jpg')}.txt").write_text(label, encoding="utf-8")
    return None if is_plain else digest_file(target)


def _stem(image: CleanImage) -> str:
    """The name of an image in the dataset: what people know it by, and enough of its digest to be its own."""
    stem = _FOREIGN.sub("_", Path(image.name).stem)[:60]
    return f"{stem}-{image.seen.pixels_sha256[:8]}"
