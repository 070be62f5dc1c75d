"""How far a build is, from phases within phases."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_edge.backends.build_progress import TOTAL, BuildProgress, LoggedProgress, time_left


@dataclass
class Bar:
    """What a person sees."""

    fault: BaseException | None = None
    moved: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def start(self, label: str, total: int) -> None:
        """Nothing to see yet."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        if self.fault is not None:
            raise self.fault
        self.moved.append(steps)
        self.notes.append(note)

    def done(self, note: str = "") -> None:
        """Nothing more to see."""


class Clock:
    """Moves when told."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_step_of_an_inner_phase_counts_for_a_part_of_the_outer_ones_step() -> None:
    told = BuildProgress(Bar())
    told.phase_start("build", None, 4)
    told.step_complete("build", 0)
    assert told.fraction() == pytest.approx(1 / 4)
    told.phase_start("tactics", "build", 10)
    told.step_complete("tactics", 4)
    assert told.fraction() == pytest.approx((1 + 0.5) / 4)
    told.phase_finish("tactics")
    told.step_complete("build", 1)
    assert told.fraction() == pytest.approx(2 / 4)


def test_time_left_follows_from_what_is_done() -> None:
    bar, clock = Bar(), Clock()
    told = BuildProgress(bar, clock)
    told.phase_start("build", None, 10)
    clock.now_s = 60
    told.step_complete("build", 0)
    assert bar.notes[-1] == "about 9 min left"
    clock.now_s = 90
    told.step_complete("build", 8)
    assert bar.notes[-1] == "about 10 s left"


def test_a_guess_from_too_little_is_not_made() -> None:
    bar, clock = Bar(), Clock()
    told = BuildProgress(bar, clock)
    told.phase_start("build", None, 100)
    clock.now_s = 3600
    told.step_complete("build", 0)
    assert bar.notes == [""]


STEPS = st.tuples(
    st.sampled_from(["start", "step", "finish"]),
    st.sampled_from("abcd"),
    st.sampled_from(["", "a", "b", "c", None]),
    st.integers(-3, 30),
)


@given(st.lists(STEPS, max_size=40))
def test_whatever_the_builder_tells_the_bar_goes_forwards_and_not_beyond_its_end(
    events: list[tuple[str, str, str | None, int]],
) -> None:
    bar = Bar()
    told = BuildProgress(bar)
    for kind, name, parent, number in events:
        if kind == "start" and name != parent:
            told.phase_start(name, parent, number)
        elif kind == "step":
            assert told.step_complete(name, number)
        else:
            told.phase_finish(name)
        assert 0 <= told.fraction() <= 1
    assert all(steps >= 0 for steps in bar.moved)
    assert sum(bar.moved) <= TOTAL


@pytest.mark.parametrize("fault", [RuntimeError("stopped"), KeyboardInterrupt()])
def test_what_the_bar_raises_ends_the_build_and_never_flies_through_the_builder(fault: BaseException) -> None:
    told = BuildProgress(Bar(fault))
    told.phase_start("build", None, 10)
    assert not told.step_complete("build", 0)
    assert told.stop_reason is fault
    assert not told.step_complete("build", 1)
    told.phase_finish("build")
    assert told.stop_reason is fault


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.4, "about 4 s left"), (59, "about 59 s left"), (60, "about 1 min left")]
)
def test_time_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert time_left(seconds) == text


def test_the_log_hears_of_a_long_build_every_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    said = LoggedProgress(clock)
    with caplog.at_level(logging.INFO):
        said.start("build the engine for Orin", 1000)
        for second in range(1, 31):
            clock.now_s = second
            said.advance(10, "about 1 min left")
        said.done()
    assert caplog.messages == [
        "build the engine for Orin: begins; this can take from a minute to an hour, once on this device",
        "build the engine for Orin: 10 % about 1 min left",
        "build the engine for Orin: 20 % about 1 min left",
        "build the engine for Orin: 30 % about 1 min left",
        "build the engine for Orin: done in 30 s",
    ]


def test_the_log_hears_that_a_build_goes_on_also_while_one_step_of_it_takes_long(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = LoggedProgress(say_every_s=0.02)
    with caplog.at_level(logging.INFO):
        said.start("build the engine for Orin", 1000)
        said.advance(70)
        deadline_s = time.monotonic() + 10
        while len(caplog.messages) < 4 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        said.done()
        told = len(caplog.messages)
        time.sleep(0.1)
    assert set(caplog.messages[1:-1]) == {"build the engine for Orin: 7 % still at work after 0 s"}
    assert len(caplog.messages) == told, "nothing after the end"
