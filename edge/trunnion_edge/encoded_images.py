"""JPEG and PNG to pixels: whole ones of a size that a camera has, and nothing else, before it costs memory or time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput

# A few kilobytes can claim to be a picture that fills the memory; 64 MPx are 192 MiB decoded.
PIXELS_MAX = 64 << 20
# A progressive JPEG has about ten. Each goes over the whole picture, so that some megabytes of empty ones take hours.
SCANS_MAX = 100
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
# Start of frame: C0 to CF without the Huffman (C4), arithmetic (CC) and reserved (C8) tables.
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
_SCAN = 0xDA
_SCAN_MARKER = bytes((0xFF, _SCAN))  # nothing that is coded looks like it


class NotAnImage(BadInput):
    """It is neither JPEG nor PNG."""


class ImageTooLarge(BadInput):
    """It has, or claims, more pixels than may be, or more scans than a camera writes."""


class DamagedImage(BadInput):
    """It is cut short or cannot be decoded."""


def decode_image(
    data: bytes, *, where: str, next_step: str, pixels_max: int = PIXELS_MAX
) -> NDArray[np.uint8]:
    """The picture as uint8 [height, width, 3] BGR, as it was taken: not turned by what its EXIF says.

    Args:
        where: whose picture it is, for errors.
        next_step: what to do about a bad one, for errors.

    Raises:
        NotAnImage, ImageTooLarge, DamagedImage: told from the header, but for what only decoding can tell.
    """

    def refused(kind: type[BadInput], got: str, wanted: str) -> BadInput:
        return kind(where=where, got=got, wanted=wanted, next_step=next_step)

    size = _size(data)
    if size is None:
        if data.startswith(_JPEG):
            raise refused(DamagedImage, "a JPEG without a size", "a whole one")
        raise refused(NotAnImage, f"data that begins with {data[:4].hex() or 'nothing'}", "JPEG or PNG")
    width, height = size
    if width * height > pixels_max:
        raise refused(ImageTooLarge, f"a picture of {width}x{height}", f"at most {pixels_max} pixels")
    if data.count(_SCAN_MARKER) > SCANS_MAX and data.startswith(_JPEG):
        raise refused(ImageTooLarge, f"a JPEG of more than {SCANS_MAX} scans", "one as cameras write it")
    # OpenCV fills what is missing at the end of a JPEG with grey.
    if not data.rstrip(b"\0").endswith((_JPEG_END, _PNG_END)):
        raise refused(DamagedImage, "a picture that is cut short", "a whole one")
    image = _decoded(data)
    if image is None or image.shape != (height, width, 3):
        raise refused(DamagedImage, "a damaged picture", "a whole one")
    return image


def _decoded(data: bytes) -> NDArray[np.uint8] | None:
    import cv2

    # Boxes are in pixels as they were taken: a picture must not be turned by what its EXIF says.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image)


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height that the header claims; None where it says none."""
    if data.startswith(_PNG) and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not data.startswith(_JPEG):
        return None
    for marker, start in _segments(data):
        if marker in _FRAME_MARKERS and start + 7 <= len(data):
            height, width = data[start + 3 : start + 5], data[start + 5 : start + 7]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
    return None


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and position of the length of each JPEG segment before the first scan."""
    position = len(_JPEG)
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker, start = data[position + 1], position + 2
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == _SCAN:
            return
        yield marker, start
        position = start + max(2, int.from_bytes(data[start : start + 2], "big"))
