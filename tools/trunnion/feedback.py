"""`trunnion feedback`: what people say of single images becomes a labelled source for the next dataset.

An image that a person calls right gets what the detector found as its labels; one with a wrong or missed box gets the
box that the person drew. Whoever is not sure, or draws nothing, sets the image aside: a guess is no label.
"""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from rich.console import Console

from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import BadInput, ExitCode
from trunnion_contract.files import digest_file, write_json
from trunnion_contract.strict import Strict, json_value, parse, read_file
from trunnion_contract.usecase import UseCase
from trunnion_edge.accuracy import overlaps
from trunnion_edge.detector import Detector
from trunnion_training.sources.folder import inside, is_file

VERDICTS, ANNOTATIONS, IMAGES = "verdicts.json", "annotations.json", "images"
Box = tuple[float, float, float, float]


class ImageVerdict(Strict):
    """What a person says of one object, or of a whole image.

    Attributes:
        image: seen from the file of verdicts.
        box_px: x1 y1 x2 y2 as the person drew it, for `wrong_box` and `missed`; with `label`, the class.
    """

    image: str
    verdict: Literal["right", "wrong_box", "missed", "not_sure"]
    label: str | None = None
    box_px: Box | None = None
    by: str = ""
    comment: str = ""


class Labelled(Strict):
    """An image as people left it; `labels` and `boxes_px` belong together, and are None for one that is set aside."""

    file: str
    size_px: tuple[int, int]
    labels: tuple[str, ...] | None
    boxes_px: tuple[Box, ...] | None
    said: tuple[ImageVerdict, ...]


@dataclass(frozen=True)
class Folder:
    """The folder of feedback beside a use case: a COCO source, and the verdicts that it was made of."""

    path: Path

    def read(self) -> dict[str, Labelled]:
        """What was said before, by the digest of the image."""
        file = self.path / VERDICTS
        rows = json_value(read_file(file), str(file)) if file.is_file() else {}
        return {digest: parse(Labelled, row, f"{file}: {digest[:12]}") for digest, row in rows.items()}

    def write(self, images: dict[str, Labelled], classes: Sequence[str]) -> None:
        """Replace the annotations; images that nobody labelled are no part of them."""
        whole = {digest: of for digest, of in sorted(images.items()) if of.labels is not None}
        write_json(self.path / ANNOTATIONS, _coco(list(whole.values()), classes))
        write_json(
            self.path / VERDICTS, {digest: of.model_dump(mode="json") for digest, of in images.items()}
        )


def take_feedback(
    console: Console, usecase: UseCase, usecase_file: Path, file: Path, bundle: Path
) -> ExitCode:
    """Add the verdicts in `file` to the feedback beside the use case.

    Raises:
        BadInput: a row is no verdict, names no image or class, or has a box outside; then nothing is added.
    """
    folder = Folder(usecase_file.with_suffix(".feedback"))
    verdicts, opened = read_verdicts(file, usecase.classes), open_bundle(bundle)
    by_image: dict[str, list[ImageVerdict]] = defaultdict(list)
    for verdict in verdicts:
        by_image[verdict.image].append(verdict)
    known, found = folder.read(), {}
    with Detector.from_model(opened.model, opened.read) as detector:
        for name, said in by_image.items():
            found[file.parent / name] = _labelled(file.parent / name, said, detector, opened)
    (folder.path / IMAGES).mkdir(parents=True, exist_ok=True)
    for source, labelled in found.items():
        shutil.copyfile(source, folder.path / IMAGES / labelled.file)
        known[Path(labelled.file).stem] = labelled
    folder.write(known, usecase.classes)
    _say(console, usecase, folder, known)
    return ExitCode.OK


def read_verdicts(file: Path, classes: Sequence[str]) -> list[ImageVerdict]:
    """The rows of a CSV (`image,verdict,label,x1,y1,x2,y2,by,comment`) or of a JSON list.

    Raises:
        BadInput: names the row.
    """
    rows = _csv_rows(file) if file.suffix == ".csv" else json_value(read_file(file), str(file))
    if not isinstance(rows, list) or not rows:
        raise _refused(str(file), "no rows", "a list of verdicts")
    verdicts = [parse(ImageVerdict, row, f"{file}: row {number}") for number, row in enumerate(rows, start=1)]
    for number, verdict in enumerate(verdicts, start=1):
        _check(verdict, file, f"{file}: row {number}", classes)
    return verdicts


def _csv_rows(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    try:
        found = list(csv.DictReader(read_file(file).splitlines(), restkey="more than the header names"))
    except csv.Error as error:
        raise _refused(str(file), f"no CSV ({error})", "rows of image,verdict,label,x1,y1,x2,y2") from None
    for row in found:
        corners = [row.pop(corner, None) for corner in ("x1", "y1", "x2", "y2")]
        kept: dict[str, Any] = {key: value for key, value in row.items() if value}
        rows.append(kept | ({"box_px": corners} if all(corners) else {}))
    return rows


def _check(verdict: ImageVerdict, file: Path, where: str, classes: Sequence[str]) -> None:
    # The file may come from anywhere: it must not make a label of any other file of this machine.
    image = inside(file.parent, verdict.image)
    if image is None or not is_file(image):
        raise _refused(f"{where}: image", verdict.image, "an image beside the file of verdicts, or below it")
    if verdict.label and verdict.label not in classes:
        raise _refused(f"{where}: label", verdict.label, f"one of {', '.join(classes)}")
    if verdict.box_px and not verdict.label:
        raise _refused(f"{where}: label", "nothing", "the class of the box")
    if verdict.box_px and not (
        verdict.box_px[0] < verdict.box_px[2] and verdict.box_px[1] < verdict.box_px[3]
    ):
        raise _refused(f"{where}: box_px", str(verdict.box_px), "x1 y1 x2 y2 with x1 < x2 and y1 < y2")


def _labelled(path: Path, said: list[ImageVerdict], detector: Detector, bundle: Bundle) -> Labelled:
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise _refused(str(path), "what is no image", "a picture")
    height, width = picture.shape[:2]
    for verdict in said:
        if verdict.box_px and (
            min(verdict.box_px) < 0 or verdict.box_px[2] > width or verdict.box_px[3] > height
        ):
            raise _refused(str(path), f"a box outside, {verdict.box_px}", f"one within {width} x {height} px")
    file = f"{digest_file(path)}{path.suffix.lower()}"
    about = {"file": file, "size_px": (width, height), "said": tuple(said)}
    if any(v.verdict == "not_sure" or (v.verdict in ("wrong_box", "missed") and not v.box_px) for v in said):
        return Labelled(**about, labels=None, boxes_px=None)
    seen = detector.detect(picture)
    objects = [
        (tuple(map(float, box)), detector.labels[kind])
        for box, kind in zip(seen.boxes_px.tolist(), seen.class_ids, strict=True)
    ]
    for verdict in said:
        if verdict.box_px and verdict.verdict == "wrong_box":
            objects = _without_nearest(objects, verdict.box_px)
        if verdict.box_px and verdict.verdict != "right":
            objects.append((verdict.box_px, verdict.label or ""))
    boxes, labels = tuple(box for box, _ in objects), tuple(label for _, label in objects)
    return Labelled(**about, labels=labels, boxes_px=boxes)


def _without_nearest(objects: list[Any], box: Box) -> list[Any]:
    """Without the object that overlaps most with the box that a person drew in its place."""
    if not objects:
        return objects
    shared = overlaps(np.array([of for of, _ in objects], np.float32), np.array([box], np.float32))[:, 0]
    nearest = int(shared.argmax())
    return [of for index, of in enumerate(objects) if index != nearest or shared[nearest] <= 0]


def _coco(images: Sequence[Labelled], classes: Sequence[str]) -> dict[str, Any]:
    annotations = [
        {"image_id": number, "category_id": classes.index(label), "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for number, image in enumerate(images)
        for label, (x1, y1, x2, y2) in zip(image.labels or (), image.boxes_px or (), strict=True)
    ]
    return {
        "images": [
            {"id": number, "file_name": of.file, "width": of.size_px[0], "height": of.size_px[1]}
            for number, of in enumerate(images)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes)],
        "annotations": [
            row | {"id": number, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
            for number, row in enumerate(annotations)
        ],
    }


def _say(console: Console, usecase: UseCase, folder: Folder, known: dict[str, Labelled]) -> None:
    aside = [of for of in known.values() if of.labels is None]
    console.print(
        f"{len(known) - len(aside)} images labelled by people, {len(aside)} set aside", highlight=False
    )
    for of in aside:
        console.print(
            f"  to be labelled: {of.said[0].image} ({of.said[0].verdict})", highlight=False, markup=False
        )
    sources = usecase.data.sources if usecase.data else ()
    if any(
        usecase.beside(getattr(of, "path", "")).resolve() == folder.path.resolve() / IMAGES for of in sources
    ):
        console.print("the next run of the use case takes them up", highlight=False)
        return
    name = folder.path.name
    console.print(
        "to take them up, add to data.sources of the use case, once, before the others (of the same picture the first "
        "source stays):",
        highlight=False,
    )
    console.print(
        f"    - kind: coco\n      path: {name}/{IMAGES}\n      annotations: {name}/{ANNOTATIONS}\n"
        "      provenance: {origin: verdicts of people, licence: LICENCE, personal_data: none}",
        highlight=False,
        markup=False,
    )


def _refused(where: str, got: str, wanted: str) -> BadInput:
    return BadInput(where=where, got=got, wanted=wanted, next_step="correct the row; nothing was added")
