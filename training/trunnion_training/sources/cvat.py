"""Exports of CVAT: XML 1.1 for images, and for video, whose tracks the source `video` reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from trunnion_contract.errors import BadInput
from trunnion_training.sources.export import Annotated, Corners, ExportSource, around, turned
from trunnion_training.sources.folder import number
from trunnion_training.sources.plain_xml import NotPlain, parse_plain_xml

_CORNERS = ("xtl", "ytl", "xbr", "ybr")
_WANTED = "CVAT's export (XML 1.1 with `annotations`)"


class CvatSource(ExportSource):
    """Boxes and outlines of `<image>`; one without any is background, because CVAT exports what was worked on."""

    kind = "cvat"
    suffixes = (".xml",)
    wanted = _WANTED

    def annotated(self, text: str, file: Path) -> Iterator[Annotated]:
        """The images of a file."""
        document = annotations_of(text, file)
        if document.find("track") is not None:
            self.refuse(file, "tracks of a video, which a source of kind video reads")
        for image in document.iter("image"):
            yield self._image(image)

    def _image(self, image: Element) -> Annotated:
        size = number(image.get("width")), number(image.get("height"))
        item = Annotated([image.get("name") or ""], size if size[0] > 0 and size[1] > 0 else None)
        for shape in image:
            corners = corners_of(shape)
            if corners is not None:
                item.add(corners, shape.get("label") or "")
            elif shape.tag != "tag":
                self.found(item.names[0], "object without a box", "object left out", shape.tag)
        return item


def annotations_of(text: str, file: Path) -> Element:
    """The root of a CVAT export.

    Raises:
        BadInput: it is none.
    """
    try:
        # The text is decoded; what its declaration says of an encoding no longer holds.
        document = parse_plain_xml(text.encode(), "utf-8")
        got = f"XML with `{document.tag[:40]}`"
    except NotPlain as error:
        document, got = None, f"text that is not plain XML ({error})"
    if document is None or document.tag != "annotations":
        raise BadInput(where=str(file), got=got, wanted=_WANTED, next_step="export it again")
    return document


def tracked(document: Element) -> dict[int, list[tuple[Corners, str]]]:
    """Boxes and classes of each frame of a video; those outside the picture are left out."""
    found: dict[int, list[tuple[Corners, str]]] = defaultdict(list)
    for track in document.iter("track"):
        for shape in track:
            frame, corners = number(shape.get("frame")), corners_of(shape)
            if corners is not None and frame.is_integer() and shape.get("outside") != "1":
                found[int(frame)].append((corners, track.get("label") or ""))
    return found


def corners_of(shape: Element) -> Corners | None:
    """The upright box around a box or an outline; None for other shapes."""
    if shape.tag == "box":
        x1, y1, x2, y2 = (number(shape.get(key)) for key in _CORNERS)
        return turned((x1, y1, x2, y2), number(shape.get("rotation", 0)), ((x1 + x2) / 2, (y1 + y2) / 2))
    if shape.tag in ("polygon", "polyline"):
        points = [pair.split(",") for pair in (shape.get("points") or "").split(";")]
        return around([(number(pair[0]), number(pair[1])) for pair in points if len(pair) == 2])
    return None
