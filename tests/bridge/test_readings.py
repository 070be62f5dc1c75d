"""Latest values and rates."""

from __future__ import annotations

import pytest

from trunnion_bridge.readings import Rate, Slot


def test_a_slot_holds_the_latest_value_only():
    slot = Slot()
    for value in range(5):
        slot.put(value, now_s=float(value))

    assert (slot.look().value, slot.look().number) == (4, 5)
    assert slot.look().fresh(5.5)
    assert not slot.look().fresh(5.6)
    assert slot.look().age_ms(4.25) == 250


def test_a_rate_is_measured_over_the_last_seconds():
    rate = Rate(window_s=3.0)
    for tick in range(100):
        rate.tick(tick / 10)

    assert rate.per_second(10.0) == pytest.approx(10.0)


def test_a_rate_is_zero_when_nothing_comes_any_more():
    rate = Rate()
    for tick in range(100):
        rate.tick(tick / 10)

    assert rate.per_second(11.5) == 0
