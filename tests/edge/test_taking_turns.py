"""Threads and processes take turns, and whoever waits says for whom."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from trunnion_edge import taking_turns
from trunnion_edge.taking_turns import one_at_a_time


def test_two_threads_of_one_process_take_turns_too(tmp_path: Path) -> None:
    inside: list[int] = []
    most = []
    said: list[str] = []

    def work(number: int) -> None:
        with one_at_a_time(tmp_path / "lock", "works", said.append):
            inside.append(number)
            most.append(len(inside))
            threading.Event().wait(0.2)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]
    assert set(said) == {f"process {os.getpid()} works; waiting for it (0 s so far)"}


def test_nobody_is_told_anything_where_nobody_waits(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with one_at_a_time(tmp_path / "made" / "lock", "works", said.append):
            pass
    assert said == []


def test_a_long_wait_is_said_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_turns, "_SAY_EVERY_S", 0.15)
    said: list[str] = []
    enough = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 3:
            enough.set()

    def wait() -> None:
        with one_at_a_time(tmp_path / "lock", "works", say):
            pass

    waiting = threading.Thread(target=wait)
    with one_at_a_time(tmp_path / "lock", "works", say):
        waiting.start()
        assert enough.wait(30)
    waiting.join()


def test_the_turn_is_given_up_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), one_at_a_time(tmp_path / "lock", "works", print):
        raise ZeroDivisionError
    with one_at_a_time(tmp_path / "lock", "works", pytest.fail):
        pass
