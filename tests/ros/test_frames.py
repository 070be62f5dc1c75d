"""The queue between who receives frames and who detects in them: the newest, in turns, and nothing uncounted."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from trunnion_inference.frames import Arrivals, Frame, NewestFrames


def opened(*cameras: str, depth: int = 1) -> NewestFrames:
    frames = NewestFrames(cameras, depth)
    frames.open()
    return frames


def test_a_newer_frame_takes_the_place_of_one_that_waits_and_is_counted() -> None:
    frames = opened("front")
    for number in range(5):
        frames.put("front", b"%d" % number)
    assert frames.take() == Frame("front", b"4")
    assert frames.replaced("front") == 4


def test_in_a_deeper_queue_the_oldest_gives_way_and_the_order_stays() -> None:
    frames = opened("front", depth=3)
    for number in range(5):
        frames.put("front", b"%d" % number)
    assert [frames.take() for _ in range(3)] == [Frame("front", data) for data in (b"2", b"3", b"4")]
    assert frames.replaced("front") == 2


def test_a_queue_that_is_made_shorter_lets_go_of_the_oldest_and_counts_them() -> None:
    frames = opened("front", depth=3)
    for number in range(3):
        frames.put("front", b"%d" % number)
    frames.hold(1)
    frames.put("front", b"3")
    assert frames.take() == Frame("front", b"3")
    assert frames.replaced("front") == 3


def test_a_camera_that_always_has_a_frame_does_not_starve_another() -> None:
    frames = opened("fast", "slow", "slower")
    taken = []
    for _ in range(6):
        for camera in ("fast", "slow", "slower"):
            frames.put(camera, b"x")
        frame = frames.take()
        assert frame is not None
        taken.append(frame.camera)
    assert taken == ["fast", "slow", "slower"] * 2


def test_frames_that_wait_already_come_together_in_their_turns_and_not_more_than_asked_for() -> None:
    frames = opened("front", "rear", depth=2)
    for number in range(2):
        frames.put("front", b"%d" % number)
        frames.put("rear", b"%d" % number)
    assert frames.take_many(3) == [Frame("front", b"0"), Frame("rear", b"0"), Frame("front", b"1")]
    assert frames.take_many(3) == [Frame("rear", b"1")]


def test_a_closed_queue_gives_no_frames_at_all() -> None:
    frames = opened("front")
    frames.put("front", b"0")
    frames.close()
    assert frames.take_many(8) == []
    assert frames.take() is None


@given(st.lists(st.sampled_from(["put a", "put b", "take"])), st.integers(1, 3))
def test_every_frame_is_taken_replaced_or_waiting(steps: list[str], depth: int) -> None:
    frames, put, taken = opened("a", "b", depth=depth), {"a": 0, "b": 0}, {"a": 0, "b": 0}
    waiting = {"a": 0, "b": 0}
    for step in steps:
        if step.startswith("put"):
            put[step[-1]] += frames.put(step[-1], b"x")
            waiting[step[-1]] = min(depth, waiting[step[-1]] + 1)
        elif any(waiting.values()):
            frame = frames.take()
            assert frame is not None
            taken[frame.camera] += 1
            waiting[frame.camera] -= 1
    for camera in ("a", "b"):
        assert put[camera] == taken[camera] + frames.replaced(camera) + waiting[camera]


def test_who_waits_for_a_frame_is_let_go_when_the_queue_closes() -> None:
    frames, taken = opened("front"), []
    thread = threading.Thread(target=lambda: taken.append(frames.take()))
    thread.start()
    frames.close()
    thread.join(5)
    assert taken == [None]


def test_a_closed_queue_takes_nothing_in_and_opens_empty() -> None:
    frames = opened("front")
    frames.put("front", b"old")
    frames.close()
    assert not frames.put("front", b"late")
    frames.open()
    frames.put("front", b"new")
    assert frames.take() == Frame("front", b"new")
    assert frames.replaced("front") == 0


def counted(*notes: tuple[int | None, int]) -> tuple[int, int]:
    arrivals = Arrivals()
    for number, publishers in notes:
        arrivals.note(number, publishers)
    return arrivals.count, arrivals.lost


def test_gaps_in_the_numbers_of_a_publisher_are_lost_frames() -> None:
    assert counted((7, 1), (8, 1), (11, 1), (13, 1)) == (4, 3)


def test_a_publisher_that_starts_anew_loses_nothing() -> None:
    assert counted((900, 1), (1, 1), (2, 1)) == (3, 0)


def test_what_two_publishers_number_each_for_itself_is_not_counted_as_lost() -> None:
    assert counted((900, 2), (3, 2), (901, 2), (4, 1), (6, 1)) == (5, 1)


def test_middleware_without_numbers_counts_what_came() -> None:
    assert counted((None, 1), (None, 1)) == (2, 0)
