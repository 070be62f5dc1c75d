"""A contact sheet: a few images with their boxes, because one look finds what no check does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trunnion_training.cleaning import CleanImage
from trunnion_training.pictures import JPEG_QUALITY, read_rgb

_COLUMNS, _ROWS = 6, 4
_CELL_PX = (320, 240)
_BACKGROUND = 24
# Okabe and Ito's palette, told apart with any colour vision; BGR.
_COLOURS = (
    (0, 159, 230),
    (233, 180, 86),
    (115, 158, 0),
    (66, 228, 240),
    (178, 114, 0),
    (0, 94, 213),
    (167, 121, 204),
)


def contact_sheet(images: Sequence[CleanImage], classes: tuple[str, ...], target: Path) -> None:
    """Draw up to 24 images, spread evenly over `images`, into one JPEG."""
    chosen = [
        images[i] for i in np.linspace(0, len(images) - 1, min(len(images), _COLUMNS * _ROWS)).astype(int)
    ]
    cells = [_cell(image, classes) for image in chosen]
    cells += [_empty()] * (-len(cells) % _COLUMNS)
    rows = [np.hstack(cells[start : start + _COLUMNS]) for start in range(0, len(cells), _COLUMNS)]
    cv2.imwrite(str(target), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def _cell(image: CleanImage, classes: tuple[str, ...]) -> NDArray[np.uint8]:
    picture = cv2.cvtColor(read_rgb(image.image), cv2.COLOR_RGB2BGR)
    height, width = picture.shape[:2]
    scale = min(_CELL_PX[0] / width, _CELL_PX[1] / height)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    cell = _empty()
    cell[: shape[1], : shape[0]] = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)
    for box, index in zip(image.boxes_px * scale, image.class_ids, strict=True):
        _draw(cell, box, classes[index], _COLOURS[index % len(_COLOURS)])
    return cell


def _draw(
    cell: NDArray[np.uint8], box: NDArray[np.float32], label: str, colour: tuple[int, int, int]
) -> None:
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    cv2.rectangle(cell, (x1, y1), (x2, y2), colour, 1, cv2.LINE_AA)
    cv2.putText(cell, label, (x1, max(8, y1 - 2)), cv2.FONT_HERSHEY_SIMPLEX, 0.32, colour, 1, cv2.LINE_AA)


def _empty() -> NDArray[np.uint8]:
    return np.full((_CELL_PX[1], _CELL_PX[0], 3), _BACKGROUND, np.uint8)
