"""Deliveries are tried again later and later, not all at once, and not for ever."""

from __future__ import annotations

import random
from itertools import pairwise

from trunnion_bridge.outward.backoff import Backoff

DAY_S = 24 * 3600


def waits(seed: int) -> list[float | None]:
    rng = random.Random(seed)
    return [Backoff().wait_s(attempts, rng) for attempts in range(1, 20)]


def test_a_delivery_is_given_up_after_about_a_day() -> None:
    for seed in range(50):
        *tried, last = waits(seed)
        assert last is None
        assert 0.8 * DAY_S <= sum(wait for wait in tried if wait is not None) <= 1.2 * DAY_S


def test_waits_grow_and_differ_from_one_delivery_to_the_next() -> None:
    first, second = waits(1), waits(2)
    assert all(a != b for a, b in zip(first[:-1], second[:-1], strict=True))
    assert 4.0 <= first[0] <= 6.0
    assert all(later > 1.3 * sooner for sooner, later in pairwise(first[:11]))


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_one_without_end_or_a_shorter_one() -> None:
    rng = random.Random(0)
    assert Backoff().wait_s(1, rng, 600.0) == 600.0
    assert Backoff().wait_s(1, rng, float("inf")) == 3 * 3600
    assert Backoff().wait_s(1, rng, 0.0) > 3.0
