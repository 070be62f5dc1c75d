"""Pascal VOC folders: one XML per image. Coordinates are taken as the tools of today write them, from 0."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from trunnion_contract.data_sources import LabelledFolder
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.findings import Finding
from trunnion_training.sources.folder import (
    IMAGE_SUFFIXES,
    XML_BYTES_MAX,
    boxes,
    first_folder,
    image_files,
    inside,
    is_file,
    named_files,
    number,
    require_folder,
    scene_of,
    size_px,
)
from trunnion_training.sources.plain_xml import NotPlain, parse_plain_xml
from trunnion_training.sources.text import LATIN_1, decoded

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


class VocSource:
    """Reads `path`/images (or JPEGImages, or `path`) with `annotations` (or `path`/annotations, or `path`)."""

    def __init__(self, settings: LabelledFolder, usecase: UseCase) -> None:
        self._root = usecase.beside(settings.path)
        self._annotations = usecase.beside(settings.annotations) if settings.annotations else None
        self.findings: list[Finding] = []

    def collect(self, out_dir: Path, progress: Progress) -> Sequence[LabelledImage]:
        """Read all annotations; what cannot be used becomes a finding."""
        root = require_folder(self._root, "data.sources (voc)")
        annotations = self._annotations or first_folder(root, ("annotations", "xml", "labels")) or root
        images = first_folder(root, ("images", "jpegimages", "imgs")) or root
        files = named_files(require_folder(annotations, "data.sources (voc): annotations"), ".xml")
        if not files:
            raise BadInput(
                where=str(annotations), got="no *.xml in it", wanted="Pascal VOC annotations",
                next_step="correct `path` or `annotations`, or the source's kind",
            )  # fmt: skip
        progress.start("reading VOC annotations", len(files))
        labelled = []
        for file in files:
            labelled += self._read(file, images)
            progress.advance()
        progress.done()
        self._tell_unlabelled(images, {item.image for item in labelled})
        return labelled

    def _read(self, file: Path, images: Path) -> list[LabelledImage]:
        try:
            document = self._document(file)
        except NotPlain as error:
            self._found(file, "unreadable annotation", "annotation left out", str(error))
            return []
        image = self._image_of(file, document, images)
        if image is None or not self._same_size(file, document, image):
            return []
        rows, labels = [], []
        for element in document.iter("object"):
            box = element.find("bndbox")
            if box is None:
                self._found(file, "object without a box", "object left out", _text(element, "name"))
                continue
            rows.append(tuple(number(box.findtext(corner)) for corner in _CORNERS))
            labels.append(_text(element, "name"))
        return [LabelledImage(image, boxes(rows), tuple(labels), scene_of(image, images))]

    def _document(self, file: Path) -> Element:
        if file.stat().st_size > XML_BYTES_MAX:
            raise NotPlain(f"more than {XML_BYTES_MAX >> 20} MiB")
        data = file.read_bytes()
        try:
            return parse_plain_xml(data)
        except NotPlain:
            text, encoding = decoded(data)
            if encoding != LATIN_1:
                raise
        self._found(file, "text that is not UTF-8", "read as Latin-1")
        return parse_plain_xml(text.encode(), "utf-8")

    def _image_of(self, file: Path, document: Element, images: Path) -> Path | None:
        name = _text(document, "filename")
        named = inside(images, name) if name else None
        if name and named is None:
            self._found(file, "a file name that leads out of the folder", "annotation left out", name[:80])
            return None
        if named is not None and is_file(named):
            return named
        beside = (images / f"{file.stem}{suffix}" for suffix in IMAGE_SUFFIXES)
        found = next((path for path in beside if is_file(path)), None)
        if found is None:
            self._found(file, "annotation without an image", "annotation left out", name[:80])
        return found

    def _same_size(self, file: Path, document: Element, image: Path) -> bool:
        wanted = number(document.findtext("size/width")), number(document.findtext("size/height"))
        got = size_px(image)
        # Many tools leave the size out or at 0; an image without a header is cleaning's to find.
        if got is None or not all(value > 0 for value in wanted) or wanted == got:
            return True
        self._found(
            file, "annotated at another size", "annotation left out",
            f"{wanted[0]:.6g}x{wanted[1]:.6g}, the image has {got[0]}x{got[1]}",
        )  # fmt: skip
        return False

    def _tell_unlabelled(self, images: Path, labelled: set[Path]) -> None:
        for image in image_files(images):
            if image not in labelled:
                self._found(image, "image without a usable annotation", "image left out")

    def _found(self, file: Path, what: str, done: str, detail: str = "") -> None:
        name = file.relative_to(self._root).as_posix() if file.is_relative_to(self._root) else file.as_posix()
        self.findings.append(Finding(name, what, done, detail))


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()
