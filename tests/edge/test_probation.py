"""What a new model must not do in its first frames."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_edge.probation import Probation, SwapRules

RULES = SwapRules(probation_frames=10, blind_frames=3)


def noted(*frames: tuple[float, bool, bool], latency_max_ms: float = 50.0) -> Probation:
    probation = Probation(RULES, latency_max_ms)
    for frame in frames:
        probation.note(*frame)
    return probation


SAW, BLIND, EMPTY = (1.0, True, False), (1.0, False, True), (1.0, False, False)


def test_seeing_nothing_where_the_old_model_sees_something_is_a_fault_only_when_it_goes_on() -> None:
    assert noted(BLIND, BLIND).fault == ""
    assert noted(BLIND, BLIND, SAW, BLIND, BLIND).fault == ""
    assert "saw nothing in 3 frames" in noted(SAW, BLIND, BLIND, BLIND).fault


@given(st.lists(st.sampled_from([SAW, EMPTY])))
def test_a_scene_with_nothing_in_it_is_nobodys_fault(frames: list[tuple[float, bool, bool]]) -> None:
    assert noted(*frames).fault == ""


def test_an_empty_frame_in_between_does_not_excuse_blindness() -> None:
    assert noted(BLIND, EMPTY, BLIND, EMPTY, BLIND).fault


def test_one_slow_frame_is_the_machines_and_many_are_the_models() -> None:
    slow = (80.0, True, False)
    assert noted(slow, SAW, SAW, SAW, SAW, slow).fault == ""
    assert noted(slow, slow, slow, slow).fault == ""
    assert "takes 80 ms for a frame, at most 50 ms" in noted(slow, slow, slow, SAW, slow).fault


def test_it_is_passed_after_its_frames() -> None:
    assert not noted(*[SAW] * 9).passed
    assert noted(*[SAW] * 10).passed


@pytest.mark.parametrize(("old_ms", "bound_ms"), [(1.0, 50.0), (30.0, 90.0), (math.nan, math.inf)])
def test_how_long_a_frame_may_take_follows_the_old_model_but_for_a_floor(
    old_ms: float, bound_ms: float
) -> None:
    assert SwapRules(latency_ratio_max=3.0, latency_floor_ms=50.0).latency_max_ms(old_ms) == bound_ms


def test_slowness_is_excused_where_the_old_model_is_slow_too_and_counted_anew() -> None:
    slow = (80.0, True, False)
    probation = noted(*[slow] * 5)
    assert not probation.is_excused_by(20.0)
    assert probation.is_excused_by(70.0)
    assert probation.fault == ""
    for _ in range(5):
        probation.note(*slow)
    assert probation.fault


def test_blindness_is_not_excused_by_a_slow_machine() -> None:
    assert not noted(BLIND, BLIND, BLIND).is_excused_by(1e6)
