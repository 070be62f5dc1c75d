"""Images in every common encoding become the same picture, and what is none is refused."""

from __future__ import annotations

import array
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sensor_msgs.msg import Image

from trunnion_contract.errors import BadInput
from trunnion_edge.image_encodings import ENCODINGS, bgr_image

# OpenCV's own way from BGR to an encoding.
INVERSES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bgr8": lambda bgr: bgr,
    "rgb8": lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB),
    "bgra8": lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA),
    "rgba8": lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2RGBA),
}
YUV = {
    "yuv422": cv2.COLOR_BGR2YUV_UYVY,
    "uyvy": cv2.COLOR_BGR2YUV_UYVY,
    "yuv422_yuy2": cv2.COLOR_BGR2YUV_YUYV,
    "yuyv": cv2.COLOR_BGR2YUV_YUYV,
}
# Channel (B 0, G 1, R 2) of the pixels (0, 0), (0, 1), (1, 0), (1, 1).
MOSAICS = {
    "bayer_rggb8": (2, 1, 1, 0),
    "bayer_bggr8": (0, 1, 1, 2),
    "bayer_gbrg8": (1, 0, 2, 1),
    "bayer_grbg8": (1, 2, 0, 1),
}
# What eight bits of luma and halved colour lose.
YUV_ERROR_MAX = 4

sides = st.integers(1, 9)
paddings = st.integers(0, 5)


def pictures(channels: int = 3, even: bool = False, least: int = 1) -> st.SearchStrategy[np.ndarray]:
    widths = st.integers(1, 5).map(lambda n: 2 * n) if even else st.integers(least, 9)
    shapes = st.tuples(st.integers(least, 9), widths, *[st.just(channels)] * (channels > 1))
    return shapes.flatmap(lambda shape: arrays(np.uint8, shape))


def message(encoding: str, pixels: np.ndarray, padding: int = 0, *, bigendian: bool = False) -> Image:
    """An image whose rows end with `padding` bytes that are no picture."""
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return Image(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        step=rows.shape[1],
        is_bigendian=int(bigendian),
        data=array.array("B", rows.tobytes()),
    )


@pytest.mark.parametrize("encoding", INVERSES)
@given(bgr=pictures(), padding=paddings)
def test_colours_come_back_exactly_from_every_order_of_channels(
    encoding: str, bgr: np.ndarray, padding: int
) -> None:
    np.testing.assert_array_equal(bgr_image(message(encoding, INVERSES[encoding](bgr), padding)), bgr)


@given(grey=pictures(channels=1), padding=paddings)
def test_grey_is_the_same_in_all_three_channels(grey: np.ndarray, padding: int) -> None:
    np.testing.assert_array_equal(bgr_image(message("mono8", grey, padding)), np.dstack([grey] * 3))


@given(
    grey=st.tuples(sides, sides).flatmap(lambda shape: arrays(np.uint16, shape)),
    padding=paddings,
    big=st.booleans(),
)
def test_sixteen_bits_become_eight_whatever_the_byte_order(grey: np.ndarray, padding: int, big: bool) -> None:
    pixels = grey.astype(">u2" if big else "<u2")
    wanted = np.rint(grey / 257).astype(np.uint8)
    seen = bgr_image(message("mono16", pixels, padding, bigendian=big))
    np.testing.assert_array_equal(seen, np.dstack([wanted] * 3))


@pytest.mark.parametrize("encoding", YUV)
@given(bgr=pictures(even=True), padding=paddings)
def test_yuv_pairs_of_one_colour_come_back_nearly(encoding: str, bgr: np.ndarray, padding: int) -> None:
    # Two neighbours share their colour: alike, they lose no more than the rounding.
    bgr = np.repeat(bgr[:, ::2], 2, axis=1)
    seen = bgr_image(message(encoding, cv2.cvtColor(bgr, YUV[encoding]), padding))
    assert np.abs(seen.astype(int) - bgr).max() <= YUV_ERROR_MAX


@pytest.mark.parametrize("encoding", MOSAICS)
@given(bgr=pictures(least=3), padding=paddings)
def test_a_mosaic_keeps_what_each_pixel_measured(encoding: str, bgr: np.ndarray, padding: int) -> None:
    rows, columns = np.indices(bgr.shape[:2])
    channels = np.array(MOSAICS[encoding])[rows % 2 * 2 + columns % 2]
    measured = np.take_along_axis(bgr, channels[..., None], axis=2)[..., 0]
    seen = bgr_image(message(encoding, measured, padding))
    kept = np.take_along_axis(seen, channels[..., None], axis=2)[..., 0]
    # The outermost pixels repeat their neighbours.
    np.testing.assert_array_equal(kept[1:-1, 1:-1], measured[1:-1, 1:-1])


@pytest.mark.parametrize("encoding", MOSAICS)
def test_a_mosaic_of_one_colour_is_that_colour(encoding: str) -> None:
    bgr = np.broadcast_to(np.array([10, 120, 240], np.uint8), (6, 8, 3))
    rows, columns = np.indices(bgr.shape[:2])
    measured = np.array([10, 120, 240], np.uint8)[np.array(MOSAICS[encoding])[rows % 2 * 2 + columns % 2]]
    np.testing.assert_array_equal(bgr_image(message(encoding, measured)), bgr)


def test_no_encoding_is_left_untested() -> None:
    assert {*INVERSES, *YUV, *MOSAICS, "mono8", "mono16"} == ENCODINGS.keys()


@given(
    encoding=st.sampled_from([*ENCODINGS, "8UC3", "nv21", ""]),
    height=st.integers(0, 6),
    width=st.integers(0, 6),
    step=st.integers(0, 40),
    size=st.integers(0, 240),
)
def test_whatever_an_image_claims_it_is_a_picture_of_that_size_or_refused(
    encoding: str, height: int, width: int, step: int, size: int
) -> None:
    claimed = Image(
        height=height, width=width, step=step, encoding=encoding, data=array.array("B", bytes(size))
    )
    try:
        seen = bgr_image(claimed)
    except BadInput:
        return
    assert (seen.shape, seen.dtype) == ((height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("encoding", "shape", "wanted"),
    [
        ("yuv422", (2, 3, 2), "multiple of 2"),
        ("bayer_rggb8", (2, 2), "at least 3x3"),
        ("mono8", (0, 4), "at least 1x1"),
        ("nv21", (2, 2), "one of bgr8, rgb8, .*bayer_grbg8"),
    ],
)
def test_a_size_that_an_encoding_cannot_have_is_refused_with_what_it_can(
    encoding: str, shape: tuple[int, ...], wanted: str
) -> None:
    pixels = np.zeros(shape, np.uint8)
    claimed = Image(height=shape[0], width=shape[1], encoding=encoding, step=8, data=pixels.tobytes())
    with pytest.raises(BadInput, match=wanted):
        bgr_image(claimed)
