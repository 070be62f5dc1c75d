"""The store, on a real file."""

from __future__ import annotations

import sqlite3

import pytest

from trunnion_bridge.models import OrderRequest
from trunnion_bridge.problem import Refused
from trunnion_bridge.store import Store
from trunnion_contract.errors import BadInput

REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 2}], "bin": "B"})


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "bridge.db") as opened:
        yield opened


def test_an_order_ends_once(store):
    order, _ = store.create(REQUEST, None, 10)
    store.start(order.id)

    assert store.finish(order.id, "succeeded", "done", 2).state == "succeeded"

    assert store.finish(order.id, "failed", "too late") is None
    assert store.cancel_queued(order.id) is None
    assert store.start(order.id) is None
    assert store.get(order.id).state == "succeeded"


def test_only_a_running_order_makes_progress(store):
    order, _ = store.create(REQUEST, None, 10)
    news = {"phase": "pick", "part": "gear", "sorted_parts": 1, "message": "picking"}

    assert store.progress(order.id, **news) is None
    store.start(order.id)
    assert store.progress(order.id, **news).sorted == 1


def test_a_full_queue_refuses_but_still_knows_its_keys(store):
    store.create(REQUEST, "k", 1)

    with pytest.raises(Refused, match="orders that wait"):
        store.create(REQUEST, None, 1)

    assert store.create(REQUEST, "k", 1)[1] is False


def test_all_that_was_acknowledged_is_there_after_a_reopening(tmp_path):
    with Store(tmp_path / "bridge.db") as before:
        order = before.create(REQUEST, "k", 10)[0]
        before.start(order.id)
        before.progress(order.id, phase="pick", part="gear", sorted_parts=1, message="picking")
        kept = before.get(order.id)

    with Store(tmp_path / "bridge.db") as after:
        assert after.get(order.id) == kept
        assert after.counts() == {"queued": 0, "running": 1, "succeeded": 0, "failed": 0, "cancelled": 0}


def test_orders_that_nobody_looks_after_are_ended_with_how_far_they_were(store):
    order, _ = store.create(REQUEST, None, 10)
    store.start(order.id)
    store.progress(order.id, phase="pick", part="gear", sorted_parts=1, message="picking")
    waiting, _ = store.create(REQUEST, None, 10)

    assert [ended.id for ended in store.fail_running("the bridge died")] == [order.id]

    assert store.get(order.id).message == "the bridge died; 1 of 2 parts had been sorted"
    assert store.get(waiting.id).state == "queued"


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "bridge.db"
    path.write_text("these are not orders, " * 100)

    with pytest.raises(BadInput, match="cannot be used"), Store(path):
        pass

    assert path.read_text() == "these are not orders, " * 100


def test_the_file_is_in_wal_mode(store, tmp_path):
    connection = sqlite3.connect(tmp_path / "bridge.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
