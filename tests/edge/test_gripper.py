"""Grasped or not, from the width of the fingers at 20 Hz."""

from __future__ import annotations

from trunnion_edge.gripper import GraspDetector

PERIOD_S = 0.05
GEAR_M = 0.044


def run(detector: GraspDetector, *steps: tuple[float, float]) -> list[bool]:
    """One update each period from (commanded, measured) widths."""
    return [detector.update(told, width, i * PERIOD_S) for i, (told, width) in enumerate(steps)]


def test_fingers_that_stall_on_a_part_hold_it_after_three_periods() -> None:
    closing = [(0.0, 0.08), (0.0, 0.065), (0.0, 0.05)]
    assert run(GraspDetector(), *closing, *[(0.0, GEAR_M)] * 5) == [False] * 6 + [True] * 2


def test_fingers_that_close_on_nothing_hold_nothing() -> None:
    widths = [0.08, 0.06, 0.04, 0.02, 0.003, 0.001, 0.0, 0.0, 0.0, 0.0]
    assert not any(run(GraspDetector(), *[(0.0, width) for width in widths]))


def test_an_open_gripper_that_was_told_to_close_just_now_holds_nothing_yet() -> None:
    assert not any(run(GraspDetector(), *[(0.08, 0.08)] * 20, (0.0, 0.08), (0.0, 0.08), (0.0, 0.07)))


def test_a_gripper_that_is_as_wide_as_it_was_told_holds_nothing() -> None:
    assert not any(run(GraspDetector(), *[(GEAR_M, GEAR_M)] * 20))


def test_opening_lets_go_at_once() -> None:
    detector = GraspDetector()
    assert run(detector, *[(0.0, GEAR_M)] * 5)[-1]
    assert not detector.update(0.08, GEAR_M, 1.0)


def test_a_part_that_slips_out_is_lost() -> None:
    detector = GraspDetector()
    run(detector, *[(0.0, GEAR_M)] * 5)
    assert detector.update(0.0, 0.03, 1.0), "it turned in the fingers"
    assert not detector.update(0.0, 0.002, 1.05)


def test_a_width_that_is_not_finite_holds_nothing() -> None:
    detector = GraspDetector()
    run(detector, *[(0.0, GEAR_M)] * 5)
    assert not detector.update(0.0, float("nan"), 1.0)


def test_the_same_widths_give_the_same_answer_whenever_they_come() -> None:
    steps = [(0.0, 0.06), *[(0.0, GEAR_M)] * 6]
    for start_s in (0.0, 0.1, 1e6):
        detector = GraspDetector()
        got = [detector.update(told, width, start_s + i * PERIOD_S) for i, (told, width) in enumerate(steps)]
        assert got == [False] * 4 + [True] * 3
