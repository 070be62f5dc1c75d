"""Detections get the depth image of their own stamp, or the nearest one, or none; in order, and in bounded time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trunnion_inference.depth_pairing import DepthPairing, Pair

MS = 1_000_000
APART_MAX_MS, WAIT_MS = 50.0, 100.0


def pairing(keep: int = 5) -> DepthPairing[str, str]:
    return DepthPairing(APART_MAX_MS, WAIT_MS, keep)


def test_the_depth_image_of_the_same_stamp_is_taken_at_once() -> None:
    pairs = pairing()
    for stamp_ms in (0, 33, 66):
        pairs.add_depth(stamp_ms * MS, f"depth {stamp_ms}")
    pairs.add_detections(33 * MS, "seen", now_s=1.0)
    assert list(pairs.ready(1.0)) == [Pair("seen", "depth 33", 0.0)]
    assert list(pairs.ready(9.0)) == []


def test_detections_wait_for_their_depth_image() -> None:
    pairs = pairing()
    pairs.add_depth(0, "before")
    pairs.add_detections(33 * MS, "seen", now_s=1.0)
    assert list(pairs.ready(1.05)) == []
    pairs.add_depth(33 * MS, "same")
    assert list(pairs.ready(1.06)) == [Pair("seen", "same", 0.0)]


def test_a_later_depth_image_ends_the_wait_and_the_nearer_one_is_taken() -> None:
    pairs = pairing()
    pairs.add_depth(0, "before")
    pairs.add_detections(10 * MS, "seen", now_s=1.0)
    pairs.add_depth(33 * MS, "after")
    assert list(pairs.ready(1.0)) == [Pair("seen", "before", -10.0)]


def test_who_has_waited_long_enough_gets_the_nearest_one() -> None:
    pairs = pairing()
    pairs.add_depth(0, "before")
    pairs.add_detections(33 * MS, "seen", now_s=1.0)
    assert list(pairs.ready(1.0 + WAIT_MS / 1e3)) == [Pair("seen", "before", -33.0)]


def test_a_depth_image_that_is_too_far_away_belongs_to_nothing() -> None:
    pairs = pairing()
    pairs.add_depth(0, "old")
    pairs.add_detections(51 * MS, "seen", now_s=1.0)
    assert list(pairs.ready(2.0)) == [Pair("seen", None, -51.0)]


def test_without_any_depth_image_detections_go_unanswered_after_their_wait() -> None:
    pairs = pairing()
    pairs.add_detections(0, "seen", now_s=1.0)
    assert list(pairs.ready(1.09)) == []
    assert list(pairs.ready(1.1)) == [Pair("seen", None, None)]


def test_a_recording_that_begins_again_starts_anew() -> None:
    pairs = pairing()
    pairs.add_depth(900 * MS, "end")
    pairs.add_depth(0, "beginning")
    pairs.add_detections(33 * MS, "seen", now_s=1.0)
    assert list(pairs.ready(1.0)) == []
    pairs.add_depth(33 * MS, "same")
    assert list(pairs.ready(1.0)) == [Pair("seen", "same", 0.0)]


def test_no_more_depth_images_are_kept_than_said() -> None:
    pairs = pairing(keep=2)
    for stamp_ms in (0, 10, 20):
        pairs.add_depth(stamp_ms * MS, f"depth {stamp_ms}")
    pairs.add_detections(0, "seen", now_s=1.0)
    assert list(pairs.ready(1.0)) == [Pair("seen", "depth 10", 10.0)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=40))
def test_whatever_comes_when_each_array_is_answered_once_in_order_and_by_what_is_near(
    events: list[tuple[bool, int]],
) -> None:
    pairs = DepthPairing[tuple[int, int], int](APART_MAX_MS, WAIT_MS, 10)
    asked, answered = [], []
    for number, (is_depth, stamp_ms) in enumerate(events):
        if is_depth:
            pairs.add_depth(stamp_ms * MS, stamp_ms)
        else:
            asked.append((number, stamp_ms))
            pairs.add_detections(stamp_ms * MS, asked[-1], now_s=number / 100)
        answered += pairs.ready(number / 100)
        assert all(number / 100 - came / 100 < WAIT_MS / 1e3 for came, _ in asked[len(answered) :])
    answered += pairs.ready(1e9)
    assert [pair.detections for pair in answered] == asked
    for pair in answered:
        if pair.depth is not None:
            assert abs(pair.depth - pair.detections[1]) == abs(pair.apart_ms or 0) <= APART_MAX_MS
