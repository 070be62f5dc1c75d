"""The outboxes of listeners."""

from __future__ import annotations

import asyncio
import json

import pytest

from trunnion_bridge.feed import Feed, TooSlow


def take(outbox, count):
    async def taken():
        return [json.loads((await outbox.take()).text) for _ in range(count)]

    return asyncio.run(taken())


def test_a_newer_state_takes_the_place_of_the_older_one():
    feed = Feed()
    with feed.listener() as outbox:
        for value in range(1000):
            feed.publish("state", value, is_state=True)

        assert len(outbox) == 1
        assert take(outbox, 1)[0]["data"] == 999
    assert feed.replaced == 999


def test_messages_come_in_the_order_of_their_numbers():
    feed = Feed()
    with feed.listener() as outbox:
        feed.publish("state", "old", is_state=True)
        feed.publish("order", 1)
        feed.publish("state", "new", is_state=True)
        feed.publish("order", 2)

        heard = take(outbox, 3)

    assert [message["data"] for message in heard] == [1, "new", 2]
    assert [message["seq"] for message in heard] == [2, 3, 4]


def test_a_listener_that_falls_behind_with_orders_is_sent_away():
    feed = Feed(events_max=3)
    with feed.listener() as slow, feed.listener() as quick:
        for number in range(4):
            feed.publish("order", number)
            assert take(quick, 1)[0]["data"] == number

        assert len(slow) == 3
        with pytest.raises(TooSlow):
            take(slow, 1)


def test_who_leaves_is_forgotten():
    feed = Feed()
    with feed.listener():
        assert len(feed) == 1

    assert len(feed) == 0


def test_what_happens_while_a_snapshot_is_made_has_a_later_number():
    feed = Feed()
    with feed.listener() as outbox:
        seq = feed.number()
        feed.publish("order", {})
        snapshot = feed.message("snapshot", {}, seq)
        assert snapshot.seq < outbox._pop().seq
