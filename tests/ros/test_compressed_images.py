"""Compressed images: whole JPEGs and PNGs are decoded, and nothing else costs memory or passes for a picture."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage

from trunnion_contract.errors import BadInput
from trunnion_inference.compressed_images import bgr_compressed
from trunnion_inference.images import byte_array


def gradient() -> np.ndarray:
    """Smooth, so that a JPEG keeps it; taller than wide, so that a turned one is seen."""
    rows, columns = np.mgrid[0:48, 0:32]
    return np.dstack([rows * 4, columns * 6, rows + columns]).astype(np.uint8)


def message(data: bytes) -> CompressedImage:
    return CompressedImage(format="bgr8; jpeg compressed bgr8", data=byte_array(data))


def encoded(kind: str, image: np.ndarray | None = None) -> bytes:
    _, data = cv2.imencode(kind, gradient() if image is None else image)
    return data.tobytes()


def with_exif_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def png_claiming(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    jpeg = bytearray(encoded(".jpg"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(jpeg)


def test_a_png_comes_back_exactly() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    np.testing.assert_array_equal(bgr_compressed(message(encoded(".png", noise))), noise)


def test_a_jpeg_comes_back_nearly() -> None:
    seen = bgr_compressed(message(encoded(".jpg")))
    assert np.abs(seen.astype(int) - gradient()).mean() < 3


def test_a_grey_picture_has_three_channels() -> None:
    grey = np.full((4, 6), 90, np.uint8)
    assert bgr_compressed(message(encoded(".png", grey))).tolist() == [[[90] * 3] * 6] * 4


def test_a_picture_is_not_turned_by_its_exif() -> None:
    assert bgr_compressed(message(with_exif_orientation(encoded(".jpg"), 6))).shape == (48, 32, 3)


def test_zeros_that_a_driver_leaves_after_a_jpeg_do_no_harm() -> None:
    assert bgr_compressed(message(encoded(".jpg") + bytes(9))).shape == (48, 32, 3)


@pytest.mark.parametrize("kind", [".jpg", ".png"])
@given(share=st.floats(0, 0.999))
def test_a_picture_cut_short_anywhere_is_refused(kind: str, share: float) -> None:
    data = encoded(kind)
    with pytest.raises(BadInput):
        bgr_compressed(message(data[: int(len(data) * share)]))


@pytest.mark.parametrize("data", [png_claiming(60000, 60000), jpeg_claiming(65000, 65000)])
def test_a_small_file_that_claims_to_be_huge_is_refused_before_it_is_decoded(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(cv2, "imdecode", never)
    with pytest.raises(BadInput, match="at most"):
        bgr_compressed(message(data))


@pytest.mark.parametrize(
    "data", [png_claiming(0, 5), png_claiming(5000, 5000), b"", b"GIF89a", encoded(".bmp")]
)
def test_what_is_no_jpeg_and_no_png_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        bgr_compressed(message(data))


@given(st.binary(max_size=64), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]))
def test_noise_is_refused(noise: bytes, beginning: bytes) -> None:
    with pytest.raises(BadInput):
        bgr_compressed(message(beginning + noise))
