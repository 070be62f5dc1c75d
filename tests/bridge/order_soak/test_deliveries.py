"""What a receiver heard is right only when it is all, in order for each order, and nothing besides."""

from __future__ import annotations

import pytest

from trunnion.bench.order_soak.deliveries import held_against

EVENTS = {"a": [1, 4], "b": [2, 3]}
ALL = ("taken a.1", "taken b.2", "taken b.3", "taken a.4")


def test_all_events_of_all_orders_in_order_are_right():
    told = held_against(EVENTS, ALL)
    assert told == (4, 0, 0, 0, 0, 0)
    assert told.are_right


@pytest.mark.parametrize(
    ("heard", "field"),
    [
        (ALL[:3], "missing"),
        ((*ALL[:3], "refused a.4"), "missing"),
        (("taken a.4", *ALL), "out_of_order"),
        (("refused a.4", *ALL), "out_of_order"),
        (("refused a.1", "taken a.4", *ALL), "out_of_order"),
        ((*ALL, "taken c.5"), "strangers"),
        ((*ALL, "taken a.3"), "strangers"),
        ((*ALL, "forged -"), "strangers"),
    ],
)
def test_what_is_not_right_is_counted(heard, field):
    told = held_against(EVENTS, heard)
    assert getattr(told, field) == 1
    assert not told.are_right


def test_what_comes_again_is_counted_and_right():
    told = held_against(EVENTS, ("refused a.1", "taken a.1", "taken a.1", *ALL))
    assert (told.redelivered, told.refused) == (2, 1)
    assert told.are_right
