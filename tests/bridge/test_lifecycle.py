"""The table of states is what the store does, for every state and every change."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.lifecycle import ENDED, FOLLOWS, STATES
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.store import Store

REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 2}], "bin": "B"})
WAYS = {
    "queued": (),
    "starting": ("starting",),
    "running": ("starting", "running"),
    **{end: ("starting", "running", end) for end in ENDED},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Database(sqlite_url(tmp_path_factory.mktemp("orders") / "bridge.db")) as database:
        yield Store(database)


def change(store, order_id, state):
    if state == "starting":
        return store.hand_over(order_id)
    return store.start(order_id) if state == "running" else store.finish(order_id, state, "news")


@pytest.mark.parametrize(("before", "after"), [*product(STATES, STATES[1:])])
def test_an_order_changes_as_the_table_says_and_not_otherwise(store, before, after):
    order, _ = store.create(REQUEST, None, 10**6)
    for state in WAYS[before]:
        change(store, order.id, state)
    known = store.get(order.id)
    assert known.state == before

    changed = change(store, order.id, after)

    if after in FOLLOWS[before]:
        assert changed.state == store.get(order.id).state == after
    else:
        assert changed is None
        assert store.get(order.id) == known


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.sampled_from(["cancel", "note", *STATES[1:]]), max_size=8))
def test_whatever_is_asked_an_order_ends_at_most_once_and_its_history_is_a_way_through_the_table(
    store, asked
):
    order, _ = store.create(REQUEST, None, 10**6)

    for what in asked:
        if what == "note":
            store.note(order.id, "news")
        elif what == "cancel":
            store.cancel(order.id)
        else:
            change(store, order.id, what)

    states = [event.state for event in store.get(order.id).events]
    assert all(b == a or b in FOLLOWS[a] for a, b in pairwise(states))
    assert sum(state in ENDED for state in states) <= 1


def test_no_state_is_a_dead_end_but_the_ends():
    assert {"succeeded", "failed", "cancelled"} == ENDED
    assert all(FOLLOWS[state] & ENDED for state in set(STATES) - ENDED)
