"""The limiter: whatever is commanded, what is sent stays within the limits."""

from __future__ import annotations

from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from trunnion_contract.cell import MotionLimits
from trunnion_edge.limits import Limiter

LOW, HIGH = np.array([0.3, -0.4, 0.0]), np.array([0.7, 0.4, 0.5])
MIDDLE = (0.5, 0.0, 0.25)
NAN, INF = float("nan"), float("inf")

anything = st.floats(allow_nan=True, allow_infinity=True)
sensible = st.floats(-2, 2)
component = st.one_of(sensible, anything)


@dataclass(frozen=True)
class Command:
    velocity: tuple[float, float, float]
    opening_m: float
    dt_s: float
    age_ms: float


commands = st.builds(
    Command,
    velocity=st.tuples(component, component, component),
    opening_m=component,
    dt_s=st.one_of(st.just(0.05), st.floats(1e-4, 3)),
    age_ms=st.one_of(st.floats(0, 200), anything),
)
inside = st.tuples(*(st.floats(low, high) for low, high in zip(LOW, HIGH, strict=True)))


@settings(max_examples=400, deadline=None)
@given(inside, st.lists(commands, min_size=1, max_size=60), st.sampled_from([0.0, 0.05, 0.3]))
def test_no_sequence_of_commands_takes_an_ideal_arm_past_a_limit(
    start: tuple[float, float, float], sequence: list[Command], reaction_s: float
) -> None:
    limits = limits_of_the_tests()
    limiter = Limiter(limits, reaction_s)
    position, velocity = np.array(start), np.zeros(3)
    for command in sequence:
        motion = limiter.limit(
            command.velocity,
            command.opening_m,
            position_base_m=position,
            dt_s=command.dt_s,
            state_age_ms=command.age_ms,
        )
        change = np.linalg.norm(motion.velocity_base_mps - velocity)
        velocity = motion.velocity_base_mps
        position = position + velocity * command.dt_s
        assert np.linalg.norm(velocity) <= limits.speed_max_mps + 1e-9
        assert change <= limits.acceleration_max_mps2 * command.dt_s + 1e-9
        assert (position >= LOW - 1e-9).all()
        assert (position <= HIGH + 1e-9).all()
        assert 0 <= motion.opening_m <= limits.opening_max_m


@settings(max_examples=100, deadline=None)
@given(inside, st.lists(st.tuples(sensible, sensible, sensible), min_size=20, max_size=60))
def test_an_arm_that_lags_as_long_as_the_limiter_was_told_stays_inside(
    start: tuple[float, float, float], sequence: list[tuple[float, float, float]]
) -> None:
    """The arm follows one period late: it was told, and has not yet done, the last velocity."""
    limiter = Limiter(limits_of_the_tests(), reaction_s=0.05)
    position, due = np.array(start), np.zeros(3)
    for velocity in sequence:
        sent = limiter.limit(velocity, 0.08, position_base_m=position, dt_s=0.05).velocity_base_mps
        position, due = position + due * 0.05, sent
        assert (position >= LOW - 1e-9).all()
        assert (position <= HIGH + 1e-9).all()


def test_a_command_within_the_limits_passes_unchanged(limits: MotionLimits) -> None:
    limiter = Limiter(limits)
    motion = limiter.limit([0.1, -0.1, 0.05], 0.03, position_base_m=MIDDLE, dt_s=0.05)
    np.testing.assert_array_equal(motion.velocity_base_mps, [0.1, -0.1, 0.05])
    assert (motion.opening_m, motion.hold_reason) == (0.03, None)
    assert (limiter.interventions, limiter.holds) == (0, 0)


def test_too_fast_keeps_its_direction(limits: MotionLimits) -> None:
    motion = Limiter(limits).limit([3.0, 4.0, 0], 0.08, position_base_m=MIDDLE, dt_s=0.2)
    np.testing.assert_allclose(motion.velocity_base_mps, [0.36, 0.48, 0])


def test_it_slides_along_a_wall_instead_of_sticking_to_it(limits: MotionLimits) -> None:
    limiter, position = Limiter(limits), np.array([0.7, 0.0, 0.25])
    for _ in range(10):
        motion = limiter.limit([0.4, 0.4, 0], 0.08, position_base_m=position, dt_s=0.05)
        position = position + motion.velocity_base_mps * 0.05
    assert position[0] == pytest.approx(0.7)
    assert position[1] > 0.15


def test_it_reaches_a_wall_that_is_driven_at(limits: MotionLimits) -> None:
    limiter, position = Limiter(limits), np.array(MIDDLE)
    for _ in range(40):
        position = (
            position
            + limiter.limit([0, 0, -0.6], 0.08, position_base_m=position, dt_s=0.05).velocity_base_mps * 0.05
        )
    assert 0 <= position[2] < 0.002


def test_from_outside_it_may_only_come_back(limits: MotionLimits) -> None:
    outside = (0.75, 0.0, 0.25)
    assert (
        Limiter(limits).limit([0.2, 0, 0], 0.08, position_base_m=outside, dt_s=0.05).velocity_base_mps[0] == 0
    )
    assert (
        Limiter(limits).limit([-0.2, 0, 0], 0.08, position_base_m=outside, dt_s=0.05).velocity_base_mps[0]
        == -0.2
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"velocity_base_mps": [NAN, 0, 0]}, "the command is not finite"),
        ({"velocity_base_mps": [0, 0]}, "the command is not finite"),
        ({"opening_m": INF}, "the command is not finite"),
        ({"position_base_m": [0.5, INF, 0.2]}, "the position of the arm is not finite"),
        ({"state_age_ms": 151.0}, "the state of the arm is 151 ms old"),
        ({"state_age_ms": -151.0}, "the state of the arm is -151 ms old"),
        ({"state_age_ms": NAN}, "the state of the arm is nan ms old"),
        ({"dt_s": 0.0}, "the clock did not advance"),
        ({"dt_s": NAN}, "the clock did not advance"),
    ],
)
def test_in_doubt_the_arm_holds_and_says_why(
    limits: MotionLimits, changed: dict[str, object], reason: str
) -> None:
    limiter = Limiter(limits)
    command = {"velocity_base_mps": [0.1, 0, 0], "opening_m": 0.02, "position_base_m": MIDDLE, "dt_s": 0.05}
    limiter.limit(**command)  # type: ignore[arg-type]
    motion = limiter.limit(**{**command, **changed})  # type: ignore[arg-type]
    assert motion.hold_reason == reason
    np.testing.assert_array_equal(motion.velocity_base_mps, np.zeros(3))
    assert motion.opening_m == 0.02, "what the gripper holds, it goes on holding"
    assert (limiter.interventions, limiter.holds) == (1, 1)


def test_a_hold_at_full_speed_brakes_within_the_acceleration(limits: MotionLimits) -> None:
    limiter = Limiter(limits)
    for _ in range(3):
        limiter.limit([0.6, 0, 0], 0.08, position_base_m=MIDDLE, dt_s=0.05)
    speeds = [limiter.hold("no goal", 0.05).velocity_base_mps[0] for _ in range(3)]
    assert speeds == pytest.approx([0.3, 0, 0])


def test_every_command_that_was_changed_is_counted(limits: MotionLimits) -> None:
    limiter = Limiter(limits)
    for velocity in ([0.1, 0, 0], [5, 0, 0], [0.1, 0, 0]):
        limiter.limit(velocity, 0.08, position_base_m=MIDDLE, dt_s=1.0)
    limiter.limit([0.1, 0, 0], 0.5, position_base_m=MIDDLE, dt_s=1.0)
    assert (limiter.interventions, limiter.holds) == (2, 0)


def limits_of_the_tests() -> MotionLimits:
    return MotionLimits(
        workspace_low_base_m=tuple(LOW),
        workspace_high_base_m=tuple(HIGH),
        speed_max_mps=0.6,
        acceleration_max_mps2=6.0,
    )
