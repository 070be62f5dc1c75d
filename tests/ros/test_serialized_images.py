"""An image that is read where it lies is the image that was sent."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from trunnion_edge.image_encodings import bgr_image
from trunnion_inference.images import byte_array, image_message
from trunnion_inference.serialized_images import ImageView, read_image

FIELDS = ("header", "height", "width", "encoding", "is_bigendian", "step")
NUMBERS = st.integers(0, 2**32 - 1)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(
    st.integers(-(2**31), 2**31 - 1), NUMBERS, TEXTS, TEXTS, NUMBERS, NUMBERS, NUMBERS,
    st.integers(0, 255), st.binary(max_size=50),
)  # fmt: skip
def test_whatever_was_sent_is_read(
    sec: int,
    nanosec: int,
    frame: str,
    encoding: str,
    height: int,
    width: int,
    step: int,
    big: int,
    data: bytes,
) -> None:
    header = Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id=frame)
    sent = Image(
        header=header, height=height, width=width, encoding=encoding, is_bigendian=big, step=step,
        data=byte_array(data),
    )  # fmt: skip
    read = read_image(serialize_message(sent))
    assert isinstance(read, ImageView)
    assert [getattr(read, field) for field in FIELDS] == [getattr(sent, field) for field in FIELDS]
    assert bytes(read.data) == data


def test_its_pixels_are_those_of_the_message_and_are_not_copied() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    serialised = serialize_message(image_message(image, Header()))
    read = read_image(serialised)
    np.testing.assert_array_equal(bgr_image(read), image)
    assert isinstance(read.data, memoryview)
    assert read.data.obj is serialised


def test_what_is_cut_short_is_refused_as_rclpy_does_it() -> None:
    serialised = serialize_message(image_message(np.zeros((4, 4, 3), np.uint8), Header()))
    for length in (0, 3, 10, 40, len(serialised) - 5):
        with pytest.raises(Exception, match=r".+"):
            read_image(serialised[:length])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_do_no_harm(data: bytes) -> None:
    read = None
    with contextlib.suppress(Exception):
        read = read_image(b"\x00\x01\x00\x00" + data)
    assert read is None or len(read.data) <= len(data)
