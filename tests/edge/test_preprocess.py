"""Letterboxing: where pixels go, in which order, and back."""

from __future__ import annotations

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from trunnion_contract.errors import BadInput
from trunnion_edge.preprocess import Letterbox, Preprocessor, letterbox

SIDES = st.integers(1, 3000)
SQUARES = st.sampled_from([32, 64, 320, 640])


@given(SIDES, SIDES, SQUARES, st.data())
def test_a_box_comes_back_within_half_a_pixel(
    width: int, height: int, size: int, data: st.DataObject
) -> None:
    placed = Letterbox.fit(width, height, size)
    xs = data.draw(st.tuples(st.floats(0, width, width=32), st.floats(0, width, width=32)))
    ys = data.draw(st.tuples(st.floats(0, height, width=32), st.floats(0, height, width=32)))
    box = np.array([[xs[0], ys[0], xs[1], ys[1]]], np.float32)
    np.testing.assert_allclose(placed.to_source(placed.to_square(box)), box, atol=0.5)


@given(SIDES, SIDES, SQUARES)
def test_the_image_fills_the_square_in_one_direction_and_is_centred_in_the_other(
    w: int, h: int, size: int
) -> None:
    placed = Letterbox.fit(w, h, size)
    assert max(placed.resized_px) == size
    for axis in (0, 1):
        before = placed.offset_px[axis]
        after = size - before - placed.resized_px[axis]
        assert 0 <= before <= after <= before + 1
    corners = placed.to_square(np.array([[0, 0, w, h]], np.float32))[0]
    np.testing.assert_allclose(corners[:2], placed.offset_px, atol=1e-3)
    np.testing.assert_allclose(corners[2:] - corners[:2], placed.resized_px, atol=1e-3)


@pytest.mark.parametrize(
    ("width", "height"), [(97, 61), (61, 97), (320, 240), (1001, 333), (40, 40), (900, 80)]
)
def test_what_is_seen_in_the_square_is_found_at_its_place_in_the_image(width: int, height: int) -> None:
    centre = np.array([width * 0.4, height * 0.55])
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    spot = np.exp(-(((x - centre[0]) / width * 12) ** 2) - (((y - centre[1]) / height * 12) ** 2)[:, None])
    tensor, placed = letterbox((spot[..., None] * [255, 255, 255]).astype(np.uint8), 320, pad_value=0)
    weight, at = tensor[0, 0].astype(np.float64), np.arange(320) + 0.5
    found = [(weight.sum(axis) * at).sum() / weight.sum() for axis in (0, 1)]
    seen = placed.to_source(np.array([found * 2], np.float32))[0, :2]
    assert np.abs(seen - centre).max() <= 0.5


def test_blue_first_becomes_red_first_and_255_becomes_1() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 0], image[..., 1] = 255, 51
    tensor, _ = letterbox(image, 32)
    assert tensor.dtype == np.float32
    assert tensor.shape == (1, 3, 32, 32)
    np.testing.assert_allclose(tensor[0, :, 16, 16], [0, 0.2, 1], atol=1e-7)


def test_the_rest_of_the_square_is_grey() -> None:
    tensor, _ = letterbox(np.zeros((10, 40, 3), np.uint8), 40)
    np.testing.assert_allclose(tensor[0, :, :15], 114 / 255, atol=1e-7)
    np.testing.assert_allclose(tensor[0, :, 25:], 114 / 255, atol=1e-7)
    assert (tensor[0, :, 15:25] == 0).all()


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=5))
def test_a_kept_buffer_gives_what_a_new_one_gives(sizes: list[tuple[int, int]]) -> None:
    kept = Preprocessor(48)
    rng = np.random.default_rng(0)
    for width, height in sizes:
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        np.testing.assert_array_equal(kept.prepare(image)[0], letterbox(image, 48)[0])


def test_it_resizes_as_training_does() -> None:
    image = np.random.default_rng(1).integers(0, 256, (77, 123, 3), np.uint8)
    tensor, placed = letterbox(image, 64)
    (left, top), (width, height) = placed.offset_px, placed.resized_px
    wanted = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)[..., ::-1].transpose(2, 0, 1)
    got = tensor[0, :, top : top + height, left : left + width]
    np.testing.assert_allclose(got, wanted.astype(np.float32) / 255, atol=1e-7)


@pytest.mark.parametrize("view", [np.s_[::2, ::2], np.s_[::-1], np.s_[:, 3:20], np.s_[..., ::-1]])
def test_a_view_into_another_image_is_taken_as_it_looks(view: object) -> None:
    image = np.random.default_rng(2).integers(0, 256, (48, 64, 3), np.uint8)[view]  # type: ignore[index]
    np.testing.assert_array_equal(letterbox(image, 32)[0], letterbox(np.ascontiguousarray(image), 32)[0])


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        None,
    ],
)
def test_what_is_no_colour_image_is_refused_with_what_it_is(image: object) -> None:
    with pytest.raises(BadInput, match="wanted uint8"):
        letterbox(image, 32)  # type: ignore[arg-type]
