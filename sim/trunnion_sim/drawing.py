"""Pictures for people: boxes drawn over images, and captions under them."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from trunnion_edge.accuracy import TrueBoxes
from trunnion_edge.decode import Detections

Image = NDArray[np.uint8]
_WIDTH_PX = 640
_SIDE_MIN_PX = 240
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE = (255, 255, 255)
_DASH_PX = 6


def jpeg(image_bgr: Image, quality: int = 85) -> bytes:
    """An image as a JPEG file."""
    return bytes(cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def draw_detections(image_bgr: Image, found: Detections, truth: TrueBoxes, labels: Sequence[str]) -> Image:
    """The image, brought to a readable size, with labelled boxes dotted white and found ones solid, with scores."""
    scale = _WIDTH_PX / image_bgr.shape[1]
    size = (_WIDTH_PX, round(image_bgr.shape[0] * scale))
    picture = cv2.resize(image_bgr, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    for box in truth.boxes_px * scale:
        _dotted(picture, box)
    for box, score, class_id in zip(found.boxes_px * scale, found.scores, found.class_ids, strict=True):
        _labelled(picture, box, f"{labels[class_id]} {score:.2f}", class_colour(int(class_id)))
    return picture


def enlarged(image_bgr: Image) -> Image:
    """An image of few pixels, made larger by a whole number so that a caption finds room; others as they are."""
    times = -(-_SIDE_MIN_PX // min(image_bgr.shape[:2]))
    return cv2.resize(image_bgr, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def caption(image_bgr: Image, text: str) -> Image:
    """A copy of the image with a line of text at its foot."""
    picture = image_bgr.copy()
    height, width = picture.shape[:2]
    cv2.rectangle(picture, (0, height - 18), (width, height), (24, 20, 16), cv2.FILLED)
    cv2.putText(picture, text, (6, height - 5), _FONT, 0.4, _WHITE, 1, cv2.LINE_AA)
    return picture


def class_colour(class_id: int) -> tuple[int, int, int]:
    """A colour for a class, BGR; neighbouring ids are far apart on the wheel."""
    red, green, blue = colorsys.hsv_to_rgb((0.58 + class_id * 0.381966) % 1, 0.85, 0.95)
    return round(255 * blue), round(255 * green), round(255 * red)


def _labelled(picture: Image, box: NDArray[np.float32], text: str, colour: tuple[int, int, int]) -> None:
    x1, y1, x2, y2 = (int(value) for value in np.rint(box))
    cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 2)
    (width, height), _ = cv2.getTextSize(text, _FONT, 0.45, 1)
    top = max(y1 - height - 6, 0)
    cv2.rectangle(picture, (x1 - 1, top), (x1 + width + 4, top + height + 6), colour, cv2.FILLED)
    dark = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2] > 140
    text_colour = (20, 16, 12) if dark else _WHITE
    cv2.putText(picture, text, (x1 + 2, top + height + 2), _FONT, 0.45, text_colour, 1, cv2.LINE_AA)


def _dotted(picture: Image, box: NDArray[np.float32]) -> None:
    x1, y1, x2, y2 = (int(value) for value in np.rint(box))
    for x in range(x1, x2, 2 * _DASH_PX):
        for y in (y1, y2):
            cv2.line(picture, (x, y), (min(x + _DASH_PX, x2), y), _WHITE, 1)
    for y in range(y1, y2, 2 * _DASH_PX):
        for x in (x1, x2):
            cv2.line(picture, (x, y), (x, min(y + _DASH_PX, y2)), _WHITE, 1)
