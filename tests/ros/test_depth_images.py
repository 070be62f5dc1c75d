"""Depth images in both encodings of REP 118 become the same metres, and what is none is refused."""

from __future__ import annotations

import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sensor_msgs.msg import Image

from trunnion_contract.errors import BadInput
from trunnion_inference.depth_images import DEPTH_ENCODINGS, depth_m

TYPES = {"16UC1": "u2", "32FC1": "f4"}
shapes = st.tuples(st.integers(1, 7), st.integers(1, 7))
paddings = st.integers(0, 5)


def message(encoding: str, values: np.ndarray, padding: int = 0, *, bigendian: bool = False) -> Image:
    """A depth image of `values`, whose rows end with bytes that are no depth."""
    numbers = values.astype((">" if bigendian else "<") + TYPES[encoding])
    rows = np.ascontiguousarray(numbers).view(np.uint8).reshape(values.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return Image(
        height=values.shape[0],
        width=values.shape[1],
        encoding=encoding,
        step=rows.shape[1],
        is_bigendian=int(bigendian),
        data=array.array("B", rows.tobytes()),
    )


@given(shapes.flatmap(lambda shape: arrays(np.uint16, shape)), paddings, st.booleans())
def test_millimetres_become_metres(values: np.ndarray, padding: int, big: bool) -> None:
    seen = depth_m(message("16UC1", values, padding, bigendian=big))
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, values / 1000, rtol=1e-6)


@given(shapes.flatmap(lambda shape: arrays(np.float32, shape)), paddings, st.booleans())
def test_metres_stay_as_they_are(values: np.ndarray, padding: int, big: bool) -> None:
    seen = depth_m(message("32FC1", values, padding, bigendian=big))
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen, values)


def test_no_encoding_is_left_untested() -> None:
    assert DEPTH_ENCODINGS.keys() == TYPES.keys()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"encoding": "mono16"}, "one of 16UC1, 32FC1"),
        ({"encoding": "bgr8"}, "one of 16UC1, 32FC1"),
        ({"height": 3}, "3 rows of at least 6 bytes"),
        ({"step": 4}, "2 rows of at least 6 bytes"),
        ({"data": array.array("B", bytes(11))}, "got 11 bytes of 16UC1"),
        ({"height": 0, "data": array.array("B")}, "at least 1x1"),
    ],
)
def test_a_depth_image_that_is_not_what_it_says_is_refused(change: dict[str, object], wanted: str) -> None:
    claimed = message("16UC1", np.ones((2, 3)))
    for name, value in change.items():
        setattr(claimed, name, value)
    with pytest.raises(BadInput, match=wanted):
        depth_m(claimed)


@given(
    encoding=st.sampled_from([*DEPTH_ENCODINGS, "mono16", "64FC1", ""]),
    height=st.integers(0, 6),
    width=st.integers(0, 6),
    step=st.integers(0, 40),
    size=st.integers(0, 240),
)
def test_whatever_a_depth_image_claims_it_is_of_that_size_or_refused(
    encoding: str, height: int, width: int, step: int, size: int
) -> None:
    claimed = Image(
        height=height, width=width, step=step, encoding=encoding, data=array.array("B", bytes(size))
    )
    try:
        seen = depth_m(claimed)
    except BadInput:
        return
    assert (seen.shape, seen.dtype) == ((height, width), np.float32)
