"""Free dimensions, and the range in which an engine takes them."""

from __future__ import annotations

import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends.shapes import check_range, is_free, shape_range, tensor_spec


def test_a_free_dimension_has_a_range_and_the_others_stay() -> None:
    assert shape_range([-1, 3]) == ((1, 3), (1, 3), (8, 3))
    assert shape_range((1, 3, 320, 320)) == ((1, 3, 320, 320),) * 3
    assert shape_range(()) == ((), (), ())


def test_a_free_dimension_is_seen() -> None:
    assert is_free((1, -1))
    assert not is_free((1, 3))


def test_a_free_dimension_is_free_in_the_spec() -> None:
    assert tensor_spec("observation", "float32", [-1, 4]) == TensorSpec(
        name="observation", dtype="float32", shape=("?", 4)
    )


@pytest.mark.parametrize("size", [1, 5, 8])
def test_what_the_engine_was_built_for_passes(size: int) -> None:
    check_range({"x": shape_range((-1, 3))}, {"x": np.zeros((size, 3))})


@pytest.mark.parametrize("size", [0, 9, 1000])
def test_what_it_was_not_built_for_is_named(size: int) -> None:
    wanted = rf"input 'x' of the network: got shape \[{size}, 3\], wanted between \[1, 3\] and \[8, 3\]"
    with pytest.raises(BadInput, match=wanted):
        check_range({"x": shape_range((-1, 3))}, {"x": np.zeros((size, 3))})
