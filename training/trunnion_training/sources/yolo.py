"""YOLO folders: one text file per image, `class x y w h` with the centre and size as shares of the image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from trunnion_contract.data_sources import LabelledFolder
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
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
        for image in images:
            labelled += self._read(image, names)
            progress.advance()
        progress.done()
        return labelled

    def _read(self, image: Path, names: Sequence[str]) -> list[LabelledImage]:
        size = size_px(image)
        if size is None:
            self._found(image, "unreadable image", "image left out")
            return []
        rows, labels = [], []
        file = self._label_file(image)
        for index, line in enumerate(self._lines(file) if file else ()):
            if not line.strip():
                continue
            box = _box(line.split(), size)
            if box is None:
                self._found(
                    file or image, "a line that is no box", "line left out", f"line {index + 1}: {line[:80]}"
                )
                continue
            rows.append(box)
            labels.append(_name(line.split()[0], names))
        return [LabelledImage(image, boxes(rows), tuple(labels), scene_of(image, self._root))]

    def _label_file(self, image: Path) -> Path | None:
        relative = image.relative_to(self._root)
        parts = list(relative.parts)
        folders = [index for index, part in enumerate(parts[:-1]) if part.lower() == "images"]
        candidates = [image.with_suffix(".txt")]
        if folders:
            parts[folders[-1]] = "labels"
            candidates.insert(0, self._root.joinpath(*parts).with_suffix(".txt"))
        if self._annotations:
            below = relative.parts[folders[-1] + 1 :] if folders else relative.parts
            candidates = [self._annotations.joinpath(*below).with_suffix(".txt")]
        return next((file for file in candidates if file.is_file()), None)

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

    def _found(self, file: Path, what: str, done: str, detail: str = "") -> None:
        name = file.relative_to(self._root).as_posix() if file.is_relative_to(self._root) else file.as_posix()
        self.findings.append(Finding(name, what, done, detail))


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
