"""Decoding: which rows become boxes, and where."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from trunnion_contract.errors import BadInput
from trunnion_edge.decode import decode
from trunnion_edge.preprocess import Letterbox

# 320x240 in 64: four source pixels to one, and eight rows of padding above.
PLACED = Letterbox.fit(320, 240, 64)


def rows(*values: list[float]) -> np.ndarray:
    return np.array([values], np.float32)


def test_boxes_come_back_in_source_pixels_the_surest_first() -> None:
    found = decode(rows([10, 18, 20, 28, 0.6, 1], [0, 8, 64, 56, 0.9, 2]), PLACED, 0.5)
    assert found.scores.tolist() == pytest.approx([0.9, 0.6])
    assert found.class_ids.tolist() == [2, 1]
    np.testing.assert_allclose(found.boxes_px, [[0, 0, 320, 240], [50, 50, 100, 100]], rtol=1e-6)


def test_a_score_at_the_threshold_counts_and_one_below_does_not() -> None:
    found = decode(rows([10, 18, 20, 28, 0.5, 0], [10, 18, 20, 28, 0.4999, 0]), PLACED, 0.5)
    assert found.scores.tolist() == [0.5]


def test_a_box_that_reaches_outside_ends_at_the_border() -> None:
    found = decode(rows([-5, 0, 70, 64, 0.9, 0]), PLACED, 0.5)
    assert found.boxes_px.tolist() == [[0, 0, 320, 240]]


def test_a_box_in_the_padding_is_dropped() -> None:
    assert len(decode(rows([10, 0, 20, 6, 0.9, 0]), PLACED, 0.5)) == 0


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_with_a_value_that_is_not_finite_is_dropped(column: int, value: float) -> None:
    row = [0, 8, 64, 56, 0.9, 1.0]
    row[column] = value
    found = decode(rows(row, [10, 18, 20, 28, 0.6, 1]), PLACED, 0.5)
    assert found.scores.tolist() == pytest.approx([0.6])


def test_no_boxes_have_the_shapes_of_many() -> None:
    found = decode(rows([0, 8, 64, 56, 0.1, 0]), PLACED, 0.5)
    assert (found.boxes_px.shape, found.scores.shape, found.class_ids.shape) == ((0, 4), (0,), (0,))
    assert (found.boxes_px.dtype, found.scores.dtype, found.class_ids.dtype) == (
        np.float32,
        np.float32,
        np.int64,
    )


@given(hnp.arrays(np.float32, (1, 7, 6), elements=st.floats(width=32)), st.floats(0, 1))
def test_whatever_a_network_says_boxes_are_inside_the_image_and_sorted(
    output: np.ndarray, threshold: float
) -> None:
    with np.errstate(all="ignore"):
        found = decode(output, PLACED, threshold)
    assert np.isfinite(found.boxes_px).all()
    assert (found.boxes_px >= 0).all()
    assert (found.boxes_px <= [320, 240, 320, 240]).all()
    assert (found.boxes_px[:, :2] < found.boxes_px[:, 2:]).all()
    assert (found.scores >= np.float32(threshold)).all()
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("shape", [(1, 6, 300), (2, 300, 6), (300, 6)])
def test_another_layout_of_the_output_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="x1 y1 x2 y2 score class"):
        decode(np.zeros(shape, np.float32), PLACED, 0.5)
