"""What an encoded picture may cost is known before it is decoded. More in tests/ros/test_compressed_images.py."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from trunnion_edge.encoded_images import (
    SCANS_MAX,
    DamagedImage,
    ImageTooLarge,
    NotAnImage,
    decode_image,
)


def jpeg(size: int = 64, *flags: int) -> bytes:
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    return cv2.imencode(".jpg", image, list(flags))[1].tobytes()


def png_claiming(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def decoded(data: bytes, pixels_max: int = 64 * 64) -> np.ndarray:
    return decode_image(data, where="here", next_step="send another", pixels_max=pixels_max)


def test_a_progressive_jpeg_is_a_picture() -> None:
    assert decoded(jpeg(64, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("data", "kind", "got"),
    [
        (jpeg(65), ImageTooLarge, "65x65"),
        (png_claiming(50_000, 50_000), ImageTooLarge, "50000x50000"),
        (b"\xff\xd8" + jpeg()[2:-2] + b"\xff\xda\0\x02" * SCANS_MAX + b"\xff\xd9", ImageTooLarge, "scans"),
        (jpeg()[:-9], DamagedImage, "cut short"),
        (jpeg()[:40] + b"\xff\xd9", DamagedImage, "without a size"),
        (b"GIF89a", NotAnImage, "47494638"),
        (b"", NotAnImage, "nothing"),
    ],
)
def test_what_is_refused_says_why(
    data: bytes, kind: type[Exception], got: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(kind, match=f"here: got .*{got}.* Next: send another"):
        decoded(data)
