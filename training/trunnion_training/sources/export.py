"""What the exports of labelling tools have in common: files that name images, which lie in a folder of their own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NoReturn

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
    named_files,
    require_folder,
    scene_of,
    size_px,
    unique_by_name,
)
from trunnion_training.sources.text import read_text

Corners = tuple[float, float, float, float]


@dataclass
class Annotated:
    """One image as an export names it.

    Attributes:
        names: under which the image may lie in the folder, the likeliest first.
        size_px: width and height that the tool saw; None where it does not say.
        is_labelled: somebody was asked and has answered, if only that nothing is there.
        scene: other than the image itself, where the export knows.
    """

    names: Sequence[str]
    size_px: tuple[float, float] | None = None
    corners: list[Corners] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    is_labelled: bool = True

    def add(self, corners: Corners, label: str) -> None:
        """Add an object: x1 y1 x2 y2 in pixels, and its class."""
        self.corners.append(corners)
        self.labels.append(label)


class ExportSource:
    """Reads `annotations` (a file, or a folder of them; else those in `path`) over the images below `path`."""

    kind: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    wanted: ClassVar[str]

    def __init__(self, settings: LabelledFolder, usecase: UseCase) -> None:
        self._root = usecase.beside(settings.path)
        self._annotations = usecase.beside(settings.annotations) if settings.annotations else None
        self.findings: list[Finding] = []

    def annotated(self, text: str, file: Path) -> Iterator[Annotated]:
        """What a file says of each image.

        Raises:
            BadInput: the whole of it cannot be read.
        """
        raise NotImplementedError

    def collect(self, out_dir: Path, progress: Progress) -> Sequence[LabelledImage]:
        """Read all annotations; what cannot be used becomes a finding."""
        root = require_folder(self._root, f"data.sources ({self.kind})")
        images = image_files(root)
        by_name, labelled = unique_by_name(images), dict[Path, LabelledImage]()
        files = self._files()
        progress.start(f"reading {self.kind} annotations", len(files))
        for file in files:
            for item in self.annotated(self._text(file), file):
                self._place(item, by_name, labelled)
            progress.advance()
        progress.done()
        for image in images:
            if image not in labelled:
                self.found(image, "image without a usable annotation", "image left out")
        return list(labelled.values())

    def found(self, file: Path | str, what: str, done: str, detail: str = "") -> None:
        """Add a finding."""
        if isinstance(file, Path) and file.is_relative_to(self._root):
            file = file.relative_to(self._root).as_posix()
        self.findings.append(Finding(str(file)[:200], what, done, detail[:120]))

    def refuse(self, file: Path, got: str) -> NoReturn:
        """Raise BadInput for a file that is not what the tool writes."""
        raise BadInput(where=str(file), got=got, wanted=self.wanted, next_step="export it again")

    def _files(self) -> list[Path]:
        place = self._annotations or self._root
        if place.is_file():
            return [place]
        files = [file for suffix in self.suffixes for file in named_files(place, suffix)]
        if not files:
            raise BadInput(
                where=str(place), got=f"no *{self.suffixes[0]} in it", wanted=self.wanted,
                next_step="name the exported file in `annotations`",
            )  # fmt: skip
        return files

    def _text(self, file: Path) -> str:
        if file.stat().st_size > ANNOTATION_BYTES_MAX:
            self.refuse(file, f"more than {ANNOTATION_BYTES_MAX >> 30} GiB")
        text, findings = read_text(file, ANNOTATION_BYTES_MAX)
        self.findings += findings
        return text

    def _place(
        self, item: Annotated, by_name: dict[str, Path | None], labelled: dict[Path, LabelledImage]
    ) -> None:
        image = self._image_of(item, by_name)
        if image is None:
            return
        if image in labelled:
            self.found(image, "image annotated twice", "later annotation left out")
            return
        got = size_px(image)
        if got is not None and item.size_px is not None and got != item.size_px:
            detail = f"{item.size_px[0]:.6g}x{item.size_px[1]:.6g}, the image has {got[0]}x{got[1]}"
            self.found(image, "annotated at another size", "annotation left out", detail)
            return
        labelled[image] = LabelledImage(
            image, boxes(item.corners), tuple(item.labels), scene_of(image, self._root), item.is_labelled
        )

    def _image_of(self, item: Annotated, by_name: dict[str, Path | None]) -> Path | None:
        places = [path for name in item.names if (path := inside(self._root, name)) is not None]
        if not places:
            self.found(
                item.names[0] if item.names else "",
                "a file name that leads out of the folder",
                "annotation left out",
            )
            return None
        candidates = [*places, *(by_name.get(path.name) for path in places)]
        image = next((path for path in candidates if path is not None and is_file(path)), None)
        if image is None:
            self.found(item.names[0], "annotation without an image", "annotation left out")
        return image


def around(points: Sequence[tuple[float, float]]) -> Corners:
    """The upright box around an outline; NaN where it has no points."""
    if not points:
        return (math.nan,) * 4
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def turned(corners: Corners, degrees: float, pivot: tuple[float, float]) -> Corners:
    """The upright box around a box that is turned clockwise about `pivot`."""
    if not degrees:
        return corners
    x1, y1, x2, y2 = corners
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    points = []
    for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2)):
        dx, dy = x - pivot[0], y - pivot[1]
        points.append((pivot[0] + dx * cos - dy * sin, pivot[1] + dx * sin + dy * cos))
    return around(points)


def as_dict(value: Any) -> dict[str, Any]:
    """A foreign value as a mapping; empty when it is none."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[dict[str, Any]]:
    """The mappings in a foreign list; none when it is no list."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def json_or_none(text: str) -> Any:
    """The value of a JSON text; None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
