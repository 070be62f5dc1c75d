"""The store, on a real file and on a real server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from trunnion_bridge.database import Database
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.problem import Refused
from trunnion_bridge.store import Store

REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 2}], "bin": "B"})


@pytest.fixture
def store(database_url):
    with Database(database_url) as database:
        yield Store(database)


def test_an_order_ends_once(store):
    order, _ = store.create(REQUEST, None, 10)
    store.hand_over(order.id)
    store.start(order.id)

    assert store.finish(order.id, "succeeded", "done", 2).state == "succeeded"

    assert store.finish(order.id, "failed", "too late") is None
    assert store.cancel(order.id) is None
    assert store.start(order.id) is None
    assert store.get(order.id).state == "succeeded"


def test_only_a_running_order_makes_progress(store):
    order, _ = store.create(REQUEST, None, 10)
    news = {"phase": "pick", "part": "gear", "sorted_parts": 1, "message": "picking"}

    assert store.progress(order.id, **news) is None
    store.hand_over(order.id)
    store.start(order.id)
    assert store.progress(order.id, **news).sorted == 1


def test_a_full_queue_refuses_but_still_knows_its_keys(store):
    store.create(REQUEST, "k", 1)

    with pytest.raises(Refused, match="orders that wait"):
        store.create(REQUEST, None, 1)

    assert store.create(REQUEST, "k", 1)[1] is False


def test_all_that_was_acknowledged_is_there_after_a_reopening(database_url):
    with Database(database_url) as database:
        before = Store(database)
        order = before.create(REQUEST, "k", 10)[0]
        before.hand_over(order.id)
        before.start(order.id)
        before.progress(order.id, phase="pick", part="gear", sorted_parts=1, message="picking")
        kept = before.get(order.id)

    with Database(database_url) as database:
        after = Store(database)
        assert after.get(order.id) == kept
        assert after.counts() == {
            "queued": 0,
            "starting": 0,
            "running": 1,
            "succeeded": 0,
            "failed": 0,
            "cancelled": 0,
        }


def test_orders_that_nobody_looks_after_are_ended_with_how_far_they_were(store):
    order, _ = store.create(REQUEST, None, 10)
    store.hand_over(order.id)
    store.start(order.id)
    store.progress(order.id, phase="pick", part="gear", sorted_parts=1, message="picking")
    waiting, _ = store.create(REQUEST, None, 10)

    assert [ended.id for ended in store.fail_running("the bridge died")] == [order.id]

    assert store.get(order.id).message == "the bridge died; 1 of 2 parts had been sorted"
    assert store.get(waiting.id).state == "queued"


def test_what_postgresql_cannot_hold_harms_nothing(store):
    order, _ = store.create(REQUEST, None, 10)

    assert store.note(order.id, "a sorter that says \0").message == "a sorter that says \ufffd"
    assert store.get("\0") is None


def test_posts_at_once_get_numbers_without_gaps_and_one_order_for_each_key(store):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda index: store.create(REQUEST, f"key {index % 4}", 100), range(32)))

    assert sorted({order.number for order, _ in made}) == [1, 2, 3, 4]
    assert sum(is_new for _, is_new in made) == 4


def test_every_change_is_an_event_that_tells_the_order_after_it(store):
    order, _ = store.create(REQUEST, None, 10)
    changes = [order, store.hand_over(order.id), store.finish(order.id, "succeeded", "done", 2)]

    assert store.events_after(0, 10) == [(change.event, change) for change in changes]
    assert store.events_after(changes[0].event, 1) == [(changes[1].event, changes[1])]
    assert store.events_after(changes[2].event, 10) == []
    assert store.events_after(changes[2].event + 1, 10) is None
    assert store.newest(10) == (changes[2].event, [changes[2]])


def test_events_that_are_no_longer_retained_are_not_passed_over_in_silence(database_url):
    with Database(database_url) as database:
        store = Store(database, retained=3)
        order, _ = store.create(REQUEST, None, 10)
        ids = [order.event, *(store.note(order.id, f"news {number}").event for number in range(5))]

        assert store.events_after(ids[1], 10) is None
        assert [event_id for event_id, _ in store.events_after(ids[2], 10)] == ids[3:]
        assert len(store.get(order.id).events) == 6


def test_numbers_of_events_follow_each_other_in_the_order_of_commits(store):
    """A reader that has heard of an event has heard of all before it, however many write at once."""
    seen, done = [], threading.Event()

    def read():
        while not done.is_set():
            seen.extend(event_id for event_id, _ in store.events_after(seen[-1] if seen else 0, 1000))

    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        try:
            list(pool.map(lambda _: store.create(REQUEST, None, 1000), range(60)))
        finally:
            done.set()
        reader.result()
    seen.extend(event_id for event_id, _ in store.events_after(seen[-1] if seen else 0, 1000))

    assert seen == [event_id for event_id, _ in store.events_after(0, 1000)]
    assert len(seen) == 60


def test_a_deadline_ends_what_waits_and_nothing_else(database_url):
    now_s = [1000.0]
    with Database(database_url) as database:
        store = Store(database, clock=lambda: now_s[0])
        until = datetime.fromtimestamp(1010, UTC)
        request = REQUEST.model_copy(update={"deadline": until})
        begun, late, patient = (
            store.create(asked, key, 10)[0]
            for asked, key in ((request, "k"), (request, None), (REQUEST, None))
        )
        store.hand_over(begun.id)
        assert store.expire() == []

        now_s[0] = 1010.0

        assert [order.id for order in store.expire()] == [late.id]
        assert store.get(late.id).message == "its deadline passed while it waited"
        assert [store.get(order.id).state for order in (begun, patient)] == ["starting", "queued"]
        assert store.create(request, "k", 10) == (store.next_up(), False)
        with pytest.raises(Refused, match="a time to come"):
            store.create(request, None, 10)


def test_what_the_sorter_may_have_comes_before_what_waits(store):
    first, second = (store.create(REQUEST, None, 10)[0] for _ in range(2))
    store.hand_over(second.id)

    assert store.next_up().id == second.id
    assert store.cancel(second.id).cancelling
    store.finish(second.id, "cancelled", "left off")
    assert store.next_up().id == first.id
