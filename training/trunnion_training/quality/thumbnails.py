"""Small pictures of a dataset's images, with boxes drawn, as addresses that hold all of them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDTH_PX = 300
_QUALITY = 80
# Of Okabe and Ito's palette, told apart with any colour vision; BGR.
MARKED, PLAIN, SUGGESTED = (0, 94, 213), (230, 180, 86), (115, 158, 0)


@dataclass(frozen=True)
class Drawn:
    """A box to draw: x1 y1 x2 y2 in pixels, what to write on it, and its colour in BGR."""

    box_px: Sequence[float]
    text: str
    colour: tuple[int, int, int] = PLAIN


@dataclass(frozen=True)
class Thumbnail:
    """A picture for a page."""

    caption: str
    uri: str


def thumbnail(file: Path, caption: str, boxes: Sequence[Drawn] = ()) -> Thumbnail:
    """A thumbnail of an image file; one that cannot be read is grey."""
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
    return drawn(
        np.full((180, 240, 3), 128, np.uint8) if picture is None else np.asarray(picture, np.uint8),
        caption,
        boxes,
    )


def drawn(picture: NDArray[np.uint8], caption: str, boxes: Sequence[Drawn] = ()) -> Thumbnail:
    """A thumbnail of a picture, uint8 [h, w, 3] BGR."""
    height, width = picture.shape[:2]
    scale = _WIDTH_PX / width
    size = (_WIDTH_PX, max(1, min(round(height * scale), 3 * _WIDTH_PX)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    for item in boxes:
        x1, y1, x2, y2 = (round(float(value) * scale) for value in item.box_px)
        cv2.rectangle(small, (x1, y1), (x2, y2), item.colour, 2, cv2.LINE_AA)
        cv2.putText(
            small,
            item.text,
            (max(0, x1), max(12, y1 - 4)),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.45,
            item.colour,
            1,
            cv2.LINE_AA,
        )
    data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return Thumbnail(caption, f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}")
