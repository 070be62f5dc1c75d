"""sensor_msgs/Image as it came over the wire, read where it lies.

rclpy copies the pixels of a message three times before Python sees them, which for 1080p takes milliseconds. Here they
are looked at in the bytes that the middleware gave. The layout is that of OMG's CDR, plain and little-endian; whatever
else comes is left to rclpy.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

_PLAIN_LITTLE_ENDIAN = b"\x00\x01"
_START = 4


@dataclass(frozen=True)
class ImageView:
    """The fields of an Image; `data` lies in the serialised message."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


def read_image(serialised: bytes) -> ImageView | Image:
    """The image in a serialised message; without a copy where it is plain little-endian CDR."""
    if serialised[:2] == _PLAIN_LITTLE_ENDIAN:
        try:
            return _Reader(serialised).image()
        except (struct.error, UnicodeDecodeError, IndexError):
            pass  # rclpy says what is wrong
    return deserialize_message(serialised, Image)


class _Reader:
    """Numbers lie at multiples of their size, counted from after the first four bytes."""

    def __init__(self, serialised: bytes) -> None:
        self._data = memoryview(serialised)[_START:]
        self._at = 0

    def image(self) -> ImageView:
        stamp = Time(sec=self._number("i"), nanosec=self._number("I"))
        header = Header(stamp=stamp, frame_id=self._text())
        height, width, encoding = self._number("I"), self._number("I"), self._text()
        is_bigendian, step = self._byte(), self._number("I")
        data = self._bytes(self._number("I"))
        return ImageView(header, height, width, encoding, is_bigendian, step, data)

    def _number(self, kind: str) -> int:
        self._at = (self._at + 3) & ~3
        (value,) = struct.unpack_from(f"<{kind}", self._data, self._at)
        self._at += 4
        return int(value)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _text(self) -> str:
        # Its length counts the zero at its end.
        return str(self._bytes(self._number("I"))[:-1], "utf-8")

    def _bytes(self, length: int) -> memoryview:
        part = self._data[self._at : self._at + length]
        if len(part) != length:
            raise IndexError("cut short")
        self._at += length
        return part
