"""Percentiles of the last durations, and how often something happens."""

from __future__ import annotations

import math

import pytest

from trunnion_edge.telemetry import Rate, Timings


def test_only_the_last_durations_count() -> None:
    timings = Timings(window=100)
    for duration_ms in [1000.0] * 50 + [float(i) for i in range(1, 101)]:
        timings.add(duration_ms)
    assert timings.percentile_ms(50) == pytest.approx(50.5)
    assert timings.summary() == {
        "count": 150,
        "p50_ms": pytest.approx(50.5),
        "p95_ms": pytest.approx(95.05),
        "p99_ms": pytest.approx(99.01),
        "max_ms": 100,
    }


def test_without_a_duration_there_is_no_percentile() -> None:
    assert math.isnan(Timings().percentile_ms(50))
    assert Timings().summary() == {"count": 0}


def test_a_rate_is_of_the_last_seconds_and_falls_to_nothing() -> None:
    rate = Rate(window_s=2.0)
    assert rate.per_second(0.0) == 0.0
    for tick in range(50):
        rate.tick(tick / 10)
    assert rate.per_second(4.9) == pytest.approx(10.0)
    assert rate.per_second(60.0) == 0.0
