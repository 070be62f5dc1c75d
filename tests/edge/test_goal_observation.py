"""Claims about observations with a goal."""

from __future__ import annotations

import numpy as np
import pytest

from trunnion_edge.goal_observation import as_vector, image_of


def test_a_goal_observation_becomes_the_state_and_then_the_wish() -> None:
    observation = {
        "achieved_goal": np.array([9.0, 9.0]),
        "desired_goal": np.array([4.0, 5.0]),
        "observation": np.array([1.0, 2.0, 3.0]),
    }
    vector = as_vector(observation)
    assert vector.dtype == np.float32
    assert vector.tolist() == [1, 2, 3, 4, 5]


def test_a_plain_vector_stays_as_it_is() -> None:
    plain = np.array([1.5, -2.5], np.float32)
    assert as_vector(plain) is plain


def test_a_vector_of_doubles_becomes_single_precision() -> None:
    assert as_vector(np.array([1.5, -2.5])).dtype == np.float32


def test_the_vector_of_a_goal_observation_is_a_copy() -> None:
    state = np.zeros(2, np.float32)
    vector = as_vector({"observation": state, "desired_goal": np.zeros(1, np.float32)})
    vector[:] = 7
    assert state.tolist() == [0, 0]


@pytest.mark.parametrize("missing", ["observation", "desired_goal"])
def test_a_mapping_without_state_or_wish_is_refused_by_name(missing: str) -> None:
    observation = {"observation": np.zeros(2), "desired_goal": np.zeros(1)}
    del observation[missing]
    with pytest.raises(KeyError, match=missing):
        as_vector(observation)


def test_an_image_stands_beside_the_vector_and_may_show_the_goal() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    observation = {"pixels": pixels, "observation": np.array([1.0, 2.0])}
    assert as_vector(observation).tolist() == [1, 2]
    assert image_of(observation) is pixels
    assert as_vector({**observation, "desired_goal": np.array([3.0])}).tolist() == [1, 2, 3]


def test_numbers_hold_no_image() -> None:
    assert image_of(np.zeros(3, np.float32)) is None
    assert image_of({"observation": np.zeros(2), "desired_goal": np.zeros(1)}) is None
