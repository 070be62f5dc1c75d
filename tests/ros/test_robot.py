"""What the simulated robot keeps to itself: real time, the last command, and who is silent."""

from __future__ import annotations

import numpy as np
import pytest

from trunnion_cell.command import Command
from trunnion_cell.real_time import RealTime
from trunnion_cell.watch import HEARTBEAT, Watch


def test_every_step_that_is_due_is_made_once() -> None:
    clock = RealTime(240)
    steps = [clock.due(10 + 0.02 * tick) for tick in range(51)]
    assert steps[0] == 0
    assert sum(steps) == 240
    assert clock.until_s == pytest.approx(11.0)
    assert set(steps[1:]) == {4, 5}


def test_what_was_simulated_is_never_of_the_future_and_less_than_a_step_of_the_past() -> None:
    clock = RealTime(240)
    for tick in range(50):
        clock.due(0.0171 * tick)
        assert 0 <= 0.0171 * tick - clock.until_s + 1e-9 < 1 / 240 + 1e-6


def test_a_long_pause_is_dropped_and_not_hurried_after() -> None:
    clock = RealTime(240, behind_max_s=0.1)
    clock.due(0.0)
    assert clock.due(2.0) == 24
    assert clock.dropped_s == pytest.approx(1.9)
    assert clock.due(2.02) == pytest.approx(5, abs=1)


def test_a_velocity_stands_until_its_time_is_over() -> None:
    command = Command(0.08, timeout_s=0.15)
    assert command.holds(0.0)
    command.tell((0.1, 0.0, 0.0), now_s=1.0)
    assert command.velocity_base_mps(1.14).tolist() == [0.1, 0, 0]
    assert command.velocity_base_mps(1.16).tolist() == [0, 0, 0]


def test_a_velocity_that_is_not_finite_stands_still() -> None:
    command = Command(0.08, timeout_s=0.15)
    command.tell((0.1, 0.0, 0.0), now_s=1.0)
    command.tell((np.nan, 0.0, 0.0), now_s=1.05)
    assert command.velocity_base_mps(1.06).tolist() == [0, 0, 0]


def test_the_first_in_line_is_blamed_for_silence() -> None:
    watch = Watch((("camera", "images"), ("detector", "detections"), ("detector", HEARTBEAT)), 1.0, now_s=0.0)
    assert watch.silent(1.0) is None
    assert watch.silent(1.1) == "camera is silent: no images for 1.1 s"
    watch.hear("camera", "images", 1.1)
    watch.hear("detector", HEARTBEAT, 1.1)
    assert watch.silent(1.2) == "detector is silent: no detections for 1.2 s"
    watch.hear("detector", "detections", 1.2)
    watch.hear("a stranger", HEARTBEAT, 1.2)
    assert watch.silent(1.3) is None


def test_what_was_never_heard_is_waited_for_anew_when_an_order_begins_and_what_fell_silent_is_not() -> None:
    watch = Watch((("camera", "images"), ("detector", "detections")), 1.0, now_s=0.0)
    watch.hear("camera", "images", 4.5)
    assert watch.silent(5.0) == "detector is silent: no detections for 5.0 s"
    watch.begin(5.0)
    assert watch.silent(5.4) is None
    assert watch.silent(5.6) == "camera is silent: no images for 1.1 s"
    watch.hear("camera", "images", 6.0)
    assert watch.silent(6.1) == "detector is silent: no detections for 1.1 s"
