"""Suppression: what stays of candidates that overlap."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from trunnion_edge.accuracy import overlaps
from trunnion_edge.suppression import CANDIDATES_MAX, KEPT_MAX, suppress

Candidates = tuple[np.ndarray, np.ndarray, np.ndarray]


def boxes(*corners: list[float]) -> np.ndarray:
    return np.array(corners, np.float32)


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    """Crowded boxes of two classes, each with a score of its own."""
    n = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corner, side = rng.uniform(0, 60, (n, 2)), rng.uniform(1, 40, (n, 2))
    scores = rng.permutation(np.linspace(0.05, 0.95, n)).astype(np.float32)
    return np.concatenate([corner, corner + side], 1).astype(np.float32), scores, rng.integers(0, 2, n)


def test_the_surer_of_two_that_overlap_stays() -> None:
    kept = suppress(
        boxes([0, 0, 10, 10], [1, 0, 11, 10]), np.array([0.6, 0.9], np.float32), np.zeros(2, np.int64), 0.5
    )
    assert kept.tolist() == [1]


def test_boxes_of_two_classes_do_not_give_way_to_each_other() -> None:
    same = boxes([0, 0, 10, 10], [0, 0, 10, 10])
    kept = suppress(same, np.array([0.6, 0.9], np.float32), np.array([0, 1]), 0.5)
    assert kept.tolist() == [1, 0]


@pytest.mark.parametrize(("threshold", "kept"), [(0.65, [0]), (0.7, [0, 1])])
def test_an_overlap_above_the_threshold_is_too_much(threshold: float, kept: list[int]) -> None:
    # Two thirds are shared.
    pair = boxes([0, 0, 10, 10], [0, 2, 10, 12])
    assert overlaps(pair[:1], pair[1:])[0, 0] == pytest.approx(2 / 3)
    found = suppress(pair, np.array([0.9, 0.8], np.float32), np.zeros(2, np.int64), threshold)
    assert found.tolist() == kept


def test_nothing_of_nothing() -> None:
    kept = suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), 0.5)
    assert (kept.shape, kept.dtype) == ((0,), np.int64)


def test_no_more_than_the_surest_are_compared_and_kept() -> None:
    n = CANDIDATES_MAX + 10
    corner = np.arange(n, dtype=np.float32)[:, None] * 20
    apart = np.concatenate([corner, np.zeros_like(corner), corner + 10, np.full_like(corner, 10)], axis=1)
    kept = suppress(apart, np.linspace(0, 1, n, dtype=np.float32), np.zeros(n, np.int64), 0.5)
    assert kept.tolist() == list(range(n - 1, n - 1 - KEPT_MAX, -1))


@given(candidates(), st.floats(0.05, 0.95))
def test_those_kept_are_apart_and_each_other_one_overlaps_a_surer_one(
    found: Candidates, threshold: float
) -> None:
    boxes_px, scores, class_ids = found
    kept = suppress(boxes_px, scores, class_ids, threshold)
    shared = overlaps(boxes_px, boxes_px) * (class_ids[:, None] == class_ids[None])
    # What is at the threshold up to rounding may go either way.
    assert (shared[np.ix_(kept, kept)] - np.eye(len(kept)) <= threshold + 1e-5).all()
    assert (np.diff(scores[kept]) <= 0).all()
    for index in set(range(len(scores))) - set(kept.tolist()):
        surer = kept[scores[kept] > scores[index]]
        assert (shared[index, surer] > threshold - 1e-5).any()
