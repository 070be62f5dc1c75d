"""sensor_msgs/CompressedImage to numpy: JPEG and PNG, whole ones of a size that a camera has."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage

from trunnion_contract.errors import BadInput

# A few kilobytes can claim to be a picture that fills the memory; 64 MPx are 192 MiB decoded.
PIXELS_MAX = 64 << 20
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
# Boxes are in pixels as they were taken: a picture must not be turned by what its EXIF says.
_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
# Start of frame: C0 to CF without the Huffman (C4), arithmetic (CC) and reserved (C8) tables.
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
_SCAN = 0xDA


def bgr_compressed(message: CompressedImage) -> np.ndarray:
    """The picture as uint8 [height, width, 3] BGR.

    Raises:
        BadInput: neither JPEG nor PNG, cut short, damaged, or of more than PIXELS_MAX pixels.
    """
    data = bytes(message.data)
    width, height = _size(data)
    if not 0 < width * height <= PIXELS_MAX:
        raise _refused(f"a picture of {width}x{height}", f"at most {PIXELS_MAX} pixels")
    # OpenCV fills what is missing at the end of a JPEG with grey.
    if not data.rstrip(b"\0").endswith((_JPEG_END, _PNG_END)):
        raise _refused("a picture that is cut short", "a whole one")
    image = _decoded(data)
    if image is None or image.shape != (height, width, 3):
        raise _refused("a damaged picture", "a whole one")
    return image


def _decoded(data: bytes) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS)
    except cv2.error:
        return None


def _size(data: bytes) -> tuple[int, int]:
    """Width and height that the header claims, read before anything is decoded."""
    if data.startswith(_PNG) and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not data.startswith(_JPEG):
        raise _refused(f"data that begins with {data[:4].hex() or 'nothing'}", "JPEG or PNG")
    for marker, start in _segments(data):
        if marker in _FRAME_MARKERS and start + 7 <= len(data):
            height, width = data[start + 3 : start + 5], data[start + 5 : start + 7]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
    raise _refused("a JPEG without a size", "a whole one")


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


def _refused(got: str, wanted: str) -> BadInput:
    next_step = "look at the camera driver and at the network between it and the detector"
    return BadInput(where="the compressed image topic", got=got, wanted=wanted, next_step=next_step)
