"""The sender before real receivers that fail, are slow, redirect, and want no more."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.bridge.outward.receiver import Received, running_receiver
from tests.bridge.outward.shop import Shop

from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.outward.backoff import Backoff
from trunnion_bridge.outward.cloudevent import ping
from trunnion_bridge.outward.destinations import Destinations
from trunnion_bridge.outward.models import WebhookRequest
from trunnion_bridge.outward.sender import Sender

SOON = Backoff(first_s=0.05, wait_max_s=0.1, attempts_max=4)


@pytest.fixture
def shop(tmp_path):
    with Database(sqlite_url(tmp_path / "bridge.db")) as database:
        yield Shop(database, clock=time.time)


@pytest.fixture
def receiver():
    with running_receiver() as running:
        yield running


def send_until(shop: Shop, true: Callable[[], Any], within_s: float = 10.0, **options: Any) -> None:
    """Let a sender run until `true()`."""

    async def run() -> None:
        given = {"backoff": SOON, "rng": random.Random(0), "look_s": 0.02, **options}
        sender = Sender(shop.outbox, shop.subscriptions, shop.destinations, **given)
        await sender.start()
        deadline_s = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < deadline_s, "it did not come"
            await asyncio.sleep(0.01)
        await sender.leave()

    asyncio.run(run())


def test_a_message_is_a_signed_cloud_event_with_the_order_in_it(shop, receiver):
    secret = shop.subscriptions.create(WebhookRequest(url=receiver.url))[1].secret
    order_id = shop.order()
    send_until(shop, lambda: not shop.outbox.counts())

    events = [Webhook(secret).verify(message.body, message.headers) for message in receiver.messages]
    assert receiver.messages[0].headers["content-type"] == "application/cloudevents+json"
    assert [event["data"]["state"] for event in events] == ["queued", "starting", "succeeded"]
    first = events[0]
    assert (first["specversion"], first["type"]) == ("1.0", "trunnion.order.queued")
    assert first["subject"] == first["data"]["id"] == order_id
    assert first["id"] == receiver.messages[0].headers["webhook-id"] == f"{order_id}.{first['data']['event']}"
    assert sorted(event["sequence"] for event in events) == [event["sequence"] for event in events]


def test_a_message_that_fails_holds_its_order_and_no_other(shop, receiver):
    shop.subscribe(receiver.url)
    ill = shop.order()
    well = shop.order()
    failures = [500, 301, 503]
    is_ill = lambda message: message.event["subject"] == ill  # noqa: E731
    receiver.answer = lambda message: failures.pop() if is_ill(message) and failures else 200
    receiver.answer_headers = {"Location": "http://127.0.0.1:1/"}
    send_until(shop, lambda: not shop.outbox.counts())

    kinds = {
        order_id: [m.event["data"]["state"] for m in receiver.messages if m.event["subject"] == order_id]
        for order_id in (ill, well)
    }
    assert kinds == {
        ill: ["queued"] * 4 + ["starting", "succeeded"],
        well: ["queued", "starting", "succeeded"],
    }
    assert len({m.headers["webhook-id"] for m in receiver.messages if is_ill(m)}) == 3


def test_what_fails_too_often_is_given_up_and_can_be_sent_again(shop, receiver):
    webhook = shop.subscribe(receiver.url)
    shop.order()
    receiver.answer = lambda _: 500
    send_until(shop, lambda: shop.outbox.counts() == {webhook.id: (0, 3)})
    assert len(receiver.messages) == SOON.attempts_max
    assert shop.subscriptions.get(webhook.id).failures == SOON.attempts_max

    receiver.answer = lambda _: 200
    shop.outbox.redeliver(webhook.id, None)
    send_until(shop, lambda: not shop.outbox.counts())
    assert receiver.types() == ["queued", "starting", "succeeded"]
    assert receiver.taken[0].headers["webhook-id"] == receiver.messages[0].headers["webhook-id"]


def test_a_receiver_that_is_gone_is_left_alone(shop, receiver):
    webhook = shop.subscribe(receiver.url)
    receiver.answer = lambda _: 410
    shop.order()
    send_until(shop, lambda: shop.subscriptions.get(webhook.id).disabled_because)
    assert len(receiver.messages) == 1
    assert shop.outbox.counts() == {webhook.id: (0, 3)}


def test_one_slow_receiver_harms_nobody(shop, receiver):
    let_go = threading.Event()
    with running_receiver() as slow:

        def wait(_: Received) -> int:
            let_go.wait(10)
            return 200

        slow.answer = wait
        shop.subscribe(slow.url)
        shop.subscribe(receiver.url)
        for _ in range(20):
            shop.order()
        begin_s = time.monotonic()
        send_until(shop, lambda: len(receiver.taken) == 60)
        assert time.monotonic() - begin_s < 8.0
        assert len(slow.messages) == 4
        let_go.set()


def test_an_answer_that_does_not_end_counts_as_none(shop, receiver):
    webhook = shop.subscribe(receiver.url)
    let_go = threading.Event()

    def wait(_: Received) -> int:
        let_go.wait(10)
        return 200

    receiver.answer = wait
    shop.order(ended=False)
    send_until(shop, lambda: shop.subscriptions.get(webhook.id).failures, timeout_s=0.1)
    let_go.set()
    assert shop.subscriptions.get(webhook.id).last_failure == "no answer within 0.1 s"


def test_a_name_that_leads_inside_is_never_asked(shop, receiver):
    webhook = shop.subscribe(receiver.url)
    shop.destinations = Destinations()
    shop.order(ended=False)
    send_until(shop, lambda: shop.subscriptions.get(webhook.id).failures)
    assert receiver.messages == []
    assert "where webhooks may not go" in shop.subscriptions.get(webhook.id).last_failure


def test_a_message_that_was_under_way_at_a_stop_is_sent_again(shop, receiver):
    shop.subscribe(receiver.url)
    shop.order(ended=False)
    let_go = threading.Event()

    def wait(_: Received) -> int:
        let_go.wait(10)
        return 200

    receiver.answer = wait
    send_until(shop, lambda: receiver.messages)
    let_go.set()
    send_until(shop, lambda: not shop.outbox.counts())
    assert len({message.headers["webhook-id"] for message in receiver.messages}) == 1


def test_a_webhook_made_and_deleted_while_it_runs_is_taken_up_and_left(shop, receiver):
    made = []

    def goes_on() -> bool:
        if not made:
            made.append(shop.subscribe(receiver.url))
            shop.order(ended=False)
        elif receiver.taken and len(made) == 1:
            shop.subscriptions.delete(made[0].id)
            made.append(None)
        return len(made) == 2

    send_until(shop, goes_on)
    assert len(receiver.taken) == 1


def test_a_ping_is_answered_at_once_also_by_a_sender_that_does_not_run(shop, receiver):
    webhook = shop.subscribe(receiver.url)
    sender = Sender(shop.outbox, shop.subscriptions, shop.destinations)
    outcome = asyncio.run(sender.ping(webhook.id, ping(0)))
    assert (outcome.is_delivered, outcome.words) == (True, "it answered 204")
    assert receiver.messages[0].event["type"] == "trunnion.ping"
