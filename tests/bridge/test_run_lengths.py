"""Masks as run lengths are the masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_bridge.inference.run_lengths import run_lengths
from trunnion_edge.masks import Patch

HEIGHT_PX, WIDTH_PX = 6, 7


def drawn(counts):
    """The mask that COCO's readers make of it."""
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return values.reshape((HEIGHT_PX, WIDTH_PX), order="F")


@given(st.data())
def test_what_is_read_back_is_the_mask(data):
    left, top = data.draw(st.integers(0, WIDTH_PX)), data.draw(st.integers(0, HEIGHT_PX))
    rows, columns = data.draw(st.integers(0, HEIGHT_PX - top)), data.draw(st.integers(0, WIDTH_PX - left))
    bits = data.draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    inside = np.array(bits, np.bool_).reshape(rows, columns)
    wanted = np.zeros((HEIGHT_PX, WIDTH_PX), np.bool_)
    wanted[top : top + rows, left : left + columns] = inside

    counts = run_lengths(Patch(left, top, inside), WIDTH_PX, HEIGHT_PX)

    assert sum(counts) == HEIGHT_PX * WIDTH_PX
    np.testing.assert_array_equal(drawn(counts), wanted)
    assert all(counts[1:])


@pytest.mark.parametrize(("inside", "counts"), [(True, [0, 42]), (False, [42])])
def test_a_whole_image_and_nothing_are_few_numbers(inside, counts):
    assert run_lengths(Patch(0, 0, np.full((HEIGHT_PX, WIDTH_PX), inside)), WIDTH_PX, HEIGHT_PX) == counts
