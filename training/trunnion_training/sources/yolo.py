"""YOLO folders: one text file per image, `class x y w h` with the centre and size as shares of the image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import yaml

from trunnion_contract.data_sources import LabelledFolder
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.file_workers import in_order
from trunnion_training.findings import Finding
from trunnion_training.sources.folder import (
    boxes,
    image_files,
    number,
    require_folder,
    scene_of,
    size_px,
)
from trunnion_training.sources.text import read_text

_TEXT_BYTES_MAX = 1 << 24
_CLASSES_MAX = 10_000


class YoloSource:
    """Reads images anywhere under `path`, each with its label file.

    The label file of `.../images/.../NAME.jpg` is `.../labels/.../NAME.txt`, or stands beside it; in `annotations`
    where that is given. Class names come from data.yaml, classes.txt or obj.names, else from the use case, by position.
    An image without a label file holds no objects, as the format has it.
    """

    def __init__(self, settings: LabelledFolder, usecase: UseCase) -> None:
        self._root = usecase.beside(settings.path)
        self._annotations = usecase.beside(settings.annotations) if settings.annotations else None
        self._classes = usecase.classes
        self.findings: list[Finding] = []

    def collect(self, out_dir: Path, progress: Progress) -> Sequence[LabelledImage]:
        """Read all label files; what cannot be used becomes a finding."""
        root = require_folder(self._root, "data.sources (yolo)")
        images = image_files(root)
        if not images:
            raise BadInput(
                where=str(root), got="no images in it", wanted="a YOLO folder (images/ and labels/)",
                next_step="correct the source's path or kind",
            )  # fmt: skip
        names = self._names(root)
        progress.start("reading YOLO labels", len(images))
        labelled = []
        read = partial(_read_all, root, self._annotations, tuple(names))
        for image, (item, findings) in zip(
            images, in_order(read, [str(image) for image in images]), strict=True
        ):
            self.findings += findings
            if item is not None:
                rows, labels = item
                labelled.append(LabelledImage(image, boxes(rows), labels, scene_of(image, root)))
            progress.advance()
        progress.done()
        return labelled

    def _names(self, root: Path) -> Sequence[str]:
        for name in ("data.yaml", "data.yml", "dataset.yaml"):
            if (root / name).is_file():
                return self._names_of_yaml(root / name)
        for name in ("classes.txt", "obj.names"):
            if (root / name).is_file():
                return [line.strip() for line in self._lines(root / name) if line.strip()]
        return self._classes

    def _names_of_yaml(self, file: Path) -> Sequence[str]:
        try:
            names = yaml.safe_load("\n".join(self._lines(file)))["names"]
            if isinstance(names, dict):
                count = min(max(int(key) for key in names) + 1, _CLASSES_MAX)
                return [str(names.get(index, index)) for index in range(count)]
            if isinstance(names, list):
                return [str(name) for name in names]
        except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError, OverflowError, MemoryError):
            pass
        raise BadInput(
            where=str(file), got="no list of class names", wanted="`names:` as a list or a map from number to name",
            next_step="correct the file",
        )  # fmt: skip

    def _lines(self, file: Path) -> list[str]:
        text, findings = read_text(file, _TEXT_BYTES_MAX)
        self.findings += findings
        return text.splitlines()


_Rows = list[tuple[float, float, float, float]]
# Rows and names of an image that can be used, and what was found.
_Read = tuple[tuple[_Rows, tuple[str, ...]] | None, list[Finding]]


def _read_all(
    root: Path, annotations: Path | None, names: Sequence[str], images: Sequence[str]
) -> list[_Read]:
    return [_read(root, annotations, names, image) for image in images]


def _read(root: Path, annotations: Path | None, names: Sequence[str], image: str) -> _Read:
    size = size_px(Path(image))
    if size is None:
        return None, [Finding(_shown(image, root), "unreadable image", "image left out")]
    for file in _label_files(image.removeprefix(f"{root}/"), str(root), annotations):
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            text, findings = read_text(Path(file), _TEXT_BYTES_MAX)
            break
    else:
        return ([], ()), []
    rows, labels = [], []
    for index, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        box = _box(words, size)
        if box is None:
            said = f"line {index}: {line[:80]}"
            findings.append(Finding(_shown(file, root), "a line that is no box", "line left out", said))
            continue
        rows.append(box)
        labels.append(_name(words[0], names))
    return (rows, tuple(labels)), findings


def _label_files(relative: str, root: str, annotations: Path | None) -> list[str]:
    """Where the labels of the image `relative`, seen from `root`, may stand; the first that is there holds."""
    parts = relative.rpartition(".")[0].split("/")
    folders = [index for index, part in enumerate(parts[:-1]) if part.lower() == "images"]
    if annotations:
        below = parts[folders[-1] + 1 :] if folders else parts
        return [f"{annotations}/{'/'.join(below)}.txt"]
    beside = f"{root}/{'/'.join(parts)}.txt"
    if not folders:
        return [beside]
    parts[folders[-1]] = "labels"
    return [f"{root}/{'/'.join(parts)}.txt", beside]


def _shown(file: str, root: Path) -> str:
    return file.removeprefix(f"{root}/")


def _box(words: list[str], size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    values = [number(word) for word in words[1:]]
    width, height = size
    if len(values) >= 6 and len(values) % 2 == 0:  # the outline of a segmentation label
        xs, ys = values[0::2], values[1::2]
        return min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height
    if len(values) != 4:
        return None
    x, y, w, h = values
    return (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height


def _name(word: str, names: Sequence[str]) -> str:
    value = number(word)
    if value.is_integer() and 0 <= value < len(names):
        return names[int(value)]
    return f"class {word[:40]}"
