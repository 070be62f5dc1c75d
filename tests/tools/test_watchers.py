"""Progress reads as plain lines in a log, and as bars in a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from trunnion.watchers import watching


def shown(terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    with watching(console) as watcher:
        watcher.began("data", "first time")
        watcher.start("rendering", 3)
        for number in range(3):
            watcher.advance(1, f"image {number}")
        watcher.done()
        watcher.ended("data", 12.4)
        watcher.reused("train.policy")
        watcher.reused("train")
    return out.getvalue()


def test_plain_lines_say_what_began_what_came_and_what_ended():
    assert shown(terminal=False).splitlines() == [
        "data (first time)",
        "  rendering: 0 of 3",
        "  rendering: image 2",
        "data: done in 12 s",
        "train the policy: as it was, nothing changed",
    ]


def test_a_terminal_gets_bars_and_keeps_the_result():
    text = shown(terminal=True)
    assert "\x1b[" in text
    assert "rendering: image 2" in text


def test_a_bar_that_nobody_closed_does_not_stay():
    out = io.StringIO()
    with watching(Console(file=out, width=100)) as watcher:
        watcher.start("first", 2)
        watcher.start("second", 2)
        watcher.done("all well")
    assert out.getvalue().splitlines() == [
        "  first: 0 of 2",
        "  first: done",
        "  second: 0 of 2",
        "  second: all well",
    ]
