"""The meter counts what really happened, once for each excursion."""

from __future__ import annotations

import pytest

from trunnion_contract.cell import MotionLimits
from trunnion_edge.violations import ViolationMeter


def measured(limits: MotionLimits, *samples: tuple[float, float, float], dt_s: float = 1.0) -> ViolationMeter:
    meter = ViolationMeter(limits)
    for i, position in enumerate(samples):
        meter.observe(position, i * dt_s)
    return meter


def test_motion_within_the_limits_violates_nothing(limits: MotionLimits) -> None:
    meter = measured(limits, (0.3, -0.4, 0), (0.5, 0, 0.25), (0.7, 0.4, 0.5))
    assert meter.total == 0
    assert meter.farthest_outside_m == 0
    assert meter.fastest_mps == pytest.approx(0.51, abs=0.01)


def test_an_excursion_counts_once_however_long_it_lasts(limits: MotionLimits) -> None:
    meter = measured(limits, (0.7, 0, 0.2), (0.72, 0, 0.2), (0.75, 0, 0.2), (0.7, 0, 0.2), (0.7, 0, -0.01))
    assert (meter.workspace, meter.speed) == (2, 0)
    assert meter.farthest_outside_m == pytest.approx(0.05)


def test_a_hair_outside_is_measuring_noise(limits: MotionLimits) -> None:
    assert measured(limits, (0.7005, 0, 0.2)).workspace == 0
    assert measured(limits, (0.7015, 0, 0.2)).workspace == 1


def test_a_position_that_is_not_finite_is_outside(limits: MotionLimits) -> None:
    assert measured(limits, (0.5, 0, 0.2), (float("nan"), 0, 0.2)).workspace == 1


def test_too_fast_counts_once_until_it_is_slow_again(limits: MotionLimits) -> None:
    meter = measured(limits, *[(0.5, y, 0.2) for y in (0, 0.1, 0.2, 0.21, 0.4)], dt_s=0.1)
    assert (meter.workspace, meter.speed) == (0, 2)
    assert meter.fastest_mps == pytest.approx(1.9)


def test_two_samples_of_one_moment_say_nothing_of_speed(limits: MotionLimits) -> None:
    assert measured(limits, (0.4, 0, 0.2), (0.6, 0, 0.2), dt_s=0.0).speed == 0
