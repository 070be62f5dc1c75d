"""An order is written in words, and its news is printed once."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from trunnion.orders import OrderLines, order_lines, print_end


def test_words_become_the_lines_of_an_order():
    assert order_lines(["gear=2", "bolt=1"]) == [
        {"part": "gear", "quantity": 2},
        {"part": "bolt", "quantity": 1},
    ]


def order(state, *messages, sorted_parts=0):
    events = [{"sorted": sorted_parts, "message": message} for message in messages]
    return {
        "state": state,
        "events": events,
        "requested": 2,
        "sorted": sorted_parts,
        "bin": "B",
        "message": messages[-1],
    }


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def test_each_piece_of_news_is_printed_once(console):
    lines = OrderLines(console)
    lines(order("queued", "waits"))
    lines(order("running", "waits", "looking", "looking"))
    lines(order("running", "waits", "looking", "looking", "gear in hand"))
    printed = [line.split("  ")[-1] for line in console.file.getvalue().splitlines()]
    assert printed == ["waits", "looking", "gear in hand"]


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 1)])
def test_the_exit_code_tells_how_it_ended(console, state, code):
    assert print_end(console, order(state, "the reason", sorted_parts=1)) == code
    said = console.file.getvalue()
    assert f"order {state}: 1 of 2 parts in bin B" in said
    assert ("the reason" in said) == (code == 1)
