"""COCO folders: one JSON (or several) with images, categories and boxes as x, y, width, height in pixels."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trunnion_contract.data_sources import LabelledFolder
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.findings import Finding
from trunnion_training.sources.folder import (
    ANNOTATION_BYTES_MAX,
    boxes,
    image_files,
    inside,
    is_file,
    number,
    require_folder,
    scene_of,
    size_px,
    unique_by_name,
)
from trunnion_training.sources.text import read_text


class CocoSource:
    """Reads `annotations` (a file or folder; else the JSON files in `path`/annotations or `path`).

    Images are looked for under their name in `path`, then by the last part of it anywhere below.
    """

    def __init__(self, settings: LabelledFolder, usecase: UseCase) -> None:
        self._root = usecase.beside(settings.path)
        self._annotations = usecase.beside(settings.annotations) if settings.annotations else None
        self.findings: list[Finding] = []

    def collect(self, out_dir: Path, progress: Progress) -> Sequence[LabelledImage]:
        """Read all annotations; what cannot be used becomes a finding."""
        root = require_folder(self._root, "data.sources (coco)")
        images = image_files(root)
        by_name = unique_by_name(images)
        labelled: list[LabelledImage] = []
        for file in self._files(root):
            labelled += self._read(file, by_name, progress)
        self._tell_unlabelled(images, {item.image for item in labelled})
        return labelled

    def _files(self, root: Path) -> list[Path]:
        place = self._annotations or (root / "annotations" if (root / "annotations").is_dir() else root)
        files = [place] if place.is_file() else sorted(place.glob("*.json")) if place.is_dir() else []
        instances = [file for file in files if file.name.startswith("instances")]
        if not files:
            raise BadInput(
                where=str(place), got="no *.json in it", wanted="COCO annotations",
                next_step="correct `path` or `annotations`, or the source's kind",
            )  # fmt: skip
        return instances or files

    def _read(self, file: Path, by_name: dict[str, Path | None], progress: Progress) -> list[LabelledImage]:
        document, findings = _document(file)
        self.findings += findings
        names = {_key(row.get("id")): str(row.get("name")) for row in _rows(document, "categories", file)}
        annotations: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for row in _rows(document, "annotations", file):
            annotations[_key(row.get("image_id"))].append(row)
        images = _rows(document, "images", file)
        progress.start(f"reading {file.name}", len(images))
        labelled = []
        for row in images:
            image = self._image_of(row, by_name)
            if image is not None:
                labelled.append(self._labelled(image, annotations[_key(row.get("id"))], names))
            progress.advance()
        progress.done()
        return labelled

    def _labelled(self, image: Path, rows: list[dict[str, Any]], names: dict[Any, str]) -> LabelledImage:
        corners, labels = [], []
        for row in rows:
            box = row.get("bbox")
            if row.get("iscrowd") == 1:
                self._found(image, "a crowd region", "region left out")
            elif not isinstance(box, list) or len(box) != 4:
                self._found(image, "object without a box", "object left out", str(row.get("id"))[:40])
            else:
                x, y, w, h = (number(value) for value in box)
                corners.append((x, y, x + w, y + h))
                category = _key(row.get("category_id"))
                labels.append(names.get(category, f"category {category}"))
        return LabelledImage(image, boxes(corners), tuple(labels), scene_of(image, self._root))

    def _image_of(self, row: dict[str, Any], by_name: dict[str, Path | None]) -> Path | None:
        name = str(row.get("file_name") or "")
        path = inside(self._root, name)
        if path is None:
            self._found(name[:80], "a file name that leads out of the folder", "annotation left out")
            return None
        image = path if is_file(path) else by_name.get(path.name)
        if image is None:
            self._found(name[:80], "annotation without an image", "annotation left out")
            return None
        wanted, got = (number(row.get("width")), number(row.get("height"))), size_px(image)
        if got is not None and all(value > 0 for value in wanted) and wanted != got:
            detail = f"{wanted[0]:.6g}x{wanted[1]:.6g}, the image has {got[0]}x{got[1]}"
            self._found(image, "annotated at another size", "annotation left out", detail)
            return None
        return image

    def _tell_unlabelled(self, images: list[Path], labelled: set[Path]) -> None:
        for image in images:
            if image not in labelled:
                self._found(image, "image without a usable annotation", "image left out")

    def _found(self, file: Path | str, what: str, done: str, detail: str = "") -> None:
        if isinstance(file, Path):
            file = (
                file.relative_to(self._root).as_posix()
                if file.is_relative_to(self._root)
                else file.as_posix()
            )
        self.findings.append(Finding(file, what, done, detail))


def _document(file: Path) -> tuple[dict[str, Any], list[Finding]]:
    problem = "text that is not JSON"
    try:
        if file.stat().st_size > ANNOTATION_BYTES_MAX:
            problem = f"more than {ANNOTATION_BYTES_MAX >> 30} GiB"
        else:
            text, findings = read_text(file, ANNOTATION_BYTES_MAX)
            document = json.loads(text)
            if isinstance(document, dict):
                return document, findings
            problem = "JSON without images, annotations and categories"
    except (ValueError, RecursionError, OverflowError):
        pass
    raise BadInput(
        where=str(file), got=problem, wanted="a COCO annotation file", next_step="fetch or export it again"
    )


def _rows(document: dict[str, Any], key: str, file: Path) -> list[dict[str, Any]]:
    rows = document.get(key)
    if not isinstance(rows, list):
        raise BadInput(
            where=f"{file}: {key}", got="nothing" if rows is None else type(rows).__name__, wanted="a list",
            next_step="name the file with boxes (often instances_*.json) in `annotations`",
        )  # fmt: skip
    return [row for row in rows if isinstance(row, dict)]


def _key(value: Any) -> Any:
    return value if isinstance(value, (int, str)) else repr(value)[:80]
