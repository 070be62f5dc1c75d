"""Under kill -9 of bridges and sorter every order ends once and is begun once; the soak would say so if not."""

from __future__ import annotations

import pytest

from trunnion.bench import order_soak
from trunnion.bench.order_soak import Soak

ORDERS = 50


@pytest.fixture
def soak(bundle, postgres, lonely_environment, tmp_path):
    url = postgres.new_database().render_as_string(hide_password=False)
    environment = {**lonely_environment, "TRUNNION_DATABASE": url}
    return Soak(bundle, tmp_path / "soak", environment, ORDERS, bridges=2, kill_every_s=(0.5, 1.5))


def test_no_order_is_lost_or_begun_twice_while_bridges_and_sorter_are_killed(soak):
    said = []

    outcome = order_soak.run(soak, said.append)

    assert (outcome.lost, outcome.doubled, outcome.orders) == (0, 0, ORDERS)
    assert outcome.bridge_kills + outcome.sorter_kills >= 2
    # An order that the sorter had when it was killed has failed, visibly.
    assert outcome.succeeded >= ORDERS - outcome.sorter_kills - outcome.bridge_kills
    assert f"of {ORDERS} orders have ended" in said[-1]


class Answers:
    """What bridges say of orders."""

    def __init__(self, **orders):
        self._orders = orders

    def ask(self, method, path):
        return self

    def json(self):
        return self._orders.popitem()[1]


def order(*states):
    return {"state": states[-1], "events": [{"state": state} for state in states]}


@pytest.mark.parametrize(
    ("said", "is_lost"),
    [
        (order("queued", "running", "succeeded"), False),
        (order("queued", "running"), True),
        (order("running", "succeeded", "failed"), True),
        ({"type": "urn:trunnion:problem:not-found"}, True),
    ],
)
def test_an_order_that_did_not_end_once_is_lost(tmp_path, said, is_lost):
    (tmp_path / "posted").write_text("a\n")
    (tmp_path / "begun").write_text("a\n")

    assert order_soak._lost(Soak(tmp_path, tmp_path, {}, 1), Answers(a=said))[0] == is_lost


def test_an_order_that_succeeded_without_being_begun_or_was_never_acknowledged_is_lost(tmp_path):
    (tmp_path / "posted").write_text("a\n")

    assert order_soak._lost(Soak(tmp_path, tmp_path, {}, 1), Answers(a=order("succeeded")))[0] == 1
    (tmp_path / "begun").write_text("a\n")
    assert order_soak._lost(Soak(tmp_path, tmp_path, {}, 2), Answers(a=order("succeeded")))[0] == 1


def test_a_line_that_a_kill_cut_short_is_none(tmp_path):
    (tmp_path / "begun").write_text("a\nb\na\nha")

    assert order_soak._begun(Soak(tmp_path, tmp_path, {}, 1)) == {"a": 2, "b": 1}
