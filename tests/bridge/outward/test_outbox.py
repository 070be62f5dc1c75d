"""What is to be told is written with the change, comes in the order of its order, and is gone when it is told."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from tests.bridge.outward.shop import REQUEST

from trunnion_bridge.outward.models import WebhookRequest
from trunnion_bridge.outward.outbox import KEPT_MS
from trunnion_bridge.problem import Refused


def events(rows) -> list[str]:
    return [row.type.removeprefix("trunnion.order.") for row in rows]


def test_each_webhook_is_owed_what_it_wants_to_hear_from_its_making_on(shop):
    shop.order()
    all_of_it = shop.subscribe()
    ends = shop.subscribe(types=["trunnion.order.succeeded", "trunnion.order.failed"])
    shop.order()

    assert shop.outbox.counts() == {all_of_it.id: (3, 0), ends.id: (1, 0)}
    assert events(shop.outbox.due(ends.id, 10)) == ["succeeded"]


def test_a_change_that_is_undone_is_not_told(shop):
    webhook = shop.subscribe()

    def undone() -> None:
        with shop.store._database.writing() as session:
            shop.store._note(session, shop.store._new_row(REQUEST, None), "in the queue")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        undone()
    assert shop.outbox.due(webhook.id, 10) == []
    assert shop.store.counts()["queued"] == 0


def test_the_events_of_an_order_come_one_after_the_other_and_orders_beside_each_other(shop):
    webhook = shop.subscribe()
    first, second = shop.order(), shop.order()

    due = shop.outbox.due(webhook.id, 10)
    assert [(row.order_id, row.type) for row in due] == [
        (first, "trunnion.order.queued"),
        (second, "trunnion.order.queued"),
    ]
    shop.outbox.failed(due[0], "it answered 500", 5.0)
    shop.outbox.delivered(due[1])
    assert [(row.order_id, row.type) for row in shop.outbox.due(webhook.id, 10)] == [
        (second, "trunnion.order.starting")
    ]
    shop.now_s += 5.0
    assert [row.order_id for row in shop.outbox.due(webhook.id, 10)] == [second, first]
    assert [row.order_id for row in shop.outbox.due(webhook.id, 10, (due[1].order_number,))] == [first]


def test_what_is_given_up_takes_along_what_waited_behind_it_and_comes_again_in_order(shop):
    webhook = shop.subscribe()
    order_id = shop.order()
    shop.outbox.failed(shop.outbox.due(webhook.id, 1)[0], "it answered 400", None)

    assert shop.outbox.due(webhook.id, 10) == []
    dead = shop.outbox.dead_letters(webhook.id, 10)
    assert events(dead) == ["queued", "starting", "succeeded"]
    assert [row.attempts for row in dead] == [1, 0, 0]
    assert [row.last_failure for row in dead[:2]] == [
        "it answered 400",
        f"it waited behind event {dead[0].event}, which was given up",
    ]
    assert events(shop.outbox.dead_letters(webhook.id, 1, dead[0].number)) == ["starting"]

    assert shop.outbox.redeliver(webhook.id, [dead[2].number]) == 1
    assert shop.outbox.redeliver(webhook.id, None) == 2
    told = []
    while due := shop.outbox.due(webhook.id, 10):
        assert [row.order_id for row in due] == [order_id]
        told += events(due)
        shop.outbox.delivered(due[0])
    assert told == ["queued", "starting", "succeeded"]


def test_a_receiver_that_wants_no_more_is_owed_no_more(shop):
    webhook = shop.subscribe()
    other = shop.subscribe()
    shop.order()
    shop.outbox.gone(shop.outbox.due(webhook.id, 1)[0], "it answered 410")
    shop.order()

    assert shop.subscriptions.get(webhook.id).disabled_because == "it answered 410"
    assert shop.outbox.counts() == {webhook.id: (0, 3), other.id: (6, 0)}
    shop.subscriptions.enable(webhook.id)
    shop.order(ended=False)
    assert events(shop.outbox.due(webhook.id, 10)) == ["queued"]


def test_how_a_webhook_does_is_written_down(shop):
    webhook = shop.subscribe()
    shop.order()
    for words in ("it answered 500", "no answer within 15 s"):
        shop.outbox.failed(shop.outbox.due(webhook.id, 1)[0], words, 0.0)
    row = shop.subscriptions.get(webhook.id)
    assert (row.failures, row.last_failure, row.last_success_ms) == (2, "no answer within 15 s", None)

    shop.outbox.delivered(shop.outbox.due(webhook.id, 1)[0])
    row = shop.subscriptions.get(webhook.id)
    assert (row.failures, row.last_success_ms) == (0, int(shop.now_s * 1000))


def test_dead_letters_are_kept_for_a_month(shop):
    webhook = shop.subscribe()
    shop.order(ended=False)
    shop.outbox.failed(shop.outbox.due(webhook.id, 1)[0], "it answered 400", None)
    shop.now_s += KEPT_MS / 1000
    shop.outbox.forget()
    assert len(shop.outbox.dead_letters(webhook.id, 10)) == 1
    shop.now_s += 1
    shop.outbox.forget()
    assert shop.outbox.dead_letters(webhook.id, 10) == []


def test_a_webhook_that_is_deleted_leaves_nothing_and_its_numbers_are_not_given_out_again(shop):
    webhook = shop.subscribe()
    shop.order()
    under_way = shop.outbox.due(webhook.id, 1)[0]
    shop.subscriptions.delete(webhook.id)
    after = shop.subscribe()
    shop.order()

    shop.outbox.delivered(under_way)

    assert shop.outbox.counts() == {after.id: (3, 0)}
    with pytest.raises(Refused):
        shop.subscriptions.get(webhook.id)
    with pytest.raises(Refused):
        shop.subscriptions.delete("\0")


def test_no_secret_stands_in_the_database(shop):
    webhook, secret = shop.subscriptions.create(WebhookRequest(url="https://erp.example/"))
    rotated = shop.subscriptions.rotate(webhook.id)
    with shop.store._database.reading() as session:
        written = str(session.execute(text("SELECT * FROM webhooks")).all())
    for shown in (secret, rotated):
        assert shown.secret.removeprefix("whsec_") not in written
    row = shop.subscriptions.get(webhook.id)
    assert shop.subscriptions.receiver(row).secrets == (rotated.secret, secret.secret)
    shop.now_s += 24 * 3600
    assert shop.subscriptions.receiver(row).secrets == (rotated.secret,)
