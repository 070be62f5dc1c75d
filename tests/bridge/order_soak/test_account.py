"""What counts as lost, and what as begun twice."""

from __future__ import annotations

import pytest

from trunnion.bench.order_soak.account import account


class Answers:
    """What bridges say of orders."""

    def __init__(self, **orders):
        self._orders = orders

    def ask(self, method, path):
        self._asked = path.rpartition("/")[2]
        return self

    def json(self):
        return self._orders[self._asked]


def order(*states):
    return {"state": states[-1], "events": [{"id": n, "state": state} for n, state in enumerate(states)]}


DONE = order("queued", "running", "succeeded")


@pytest.mark.parametrize(
    ("said", "is_lost"),
    [
        (DONE, False),
        (order("queued", "running"), True),
        (order("running", "succeeded", "failed"), True),
        ({"type": "urn:trunnion:problem:not-found"}, True),
    ],
)
def test_an_order_that_did_not_end_once_is_lost(said, is_lost):
    assert account(Answers(a=said), 1, ["a"], ["a"]).lost == is_lost


def test_an_order_that_succeeded_without_being_begun_or_was_never_acknowledged_is_lost():
    assert account(Answers(a=DONE), 1, ["a"], []).lost == 1
    assert account(Answers(a=DONE), 2, ["a"], ["a"]).lost == 1


def test_one_that_failed_need_not_have_been_begun():
    counted = account(Answers(a=order("queued", "failed"), b=DONE), 2, ["a", "b"], ["b"])
    assert (counted.lost, counted.succeeded) == (0, 1)


def test_an_order_that_was_begun_twice_is_doubled():
    assert account(Answers(a=DONE, b=DONE), 2, ["a", "b"], ["a", "b", "a"]).doubled == 1


def test_the_events_of_each_order_are_kept():
    assert account(Answers(a=DONE), 1, ["a"], ["a"]).events == {"a": [0, 1, 2]}
