"""Webhooks over HTTP, as an integrator uses them; and a bridge that is killed while it sends."""

from __future__ import annotations

import signal
import threading
from collections import defaultdict

import pytest
from standardwebhooks import Webhook
from tests.bridge.outward.receiver import running_receiver
from tests.bridge.running import until


@pytest.fixture
def receiver():
    with running_receiver() as running:
        yield running


@pytest.fixture
def subscribe(bridge):
    made = []

    def post(url, **more):
        answer = bridge.http.post("/v1/webhooks", json={"url": url, **more})
        if answer.status_code == 201:
            made.append(answer.json()["id"])
        return answer

    yield post
    for webhook_id in made:
        bridge.http.delete(f"/v1/webhooks/{webhook_id}")


def test_an_order_is_told_from_its_posting_to_its_end_and_how_that_went_is_shown(bridge, receiver, subscribe):
    made = subscribe(receiver.url, types=["trunnion.order.queued", "trunnion.order.succeeded"])
    webhook = made.json()
    order = bridge.post({"nut": 1}).json()
    until(lambda: len(receiver.taken) == 2, what="both events")

    events = [Webhook(webhook["secret"]).verify(m.body, m.headers) for m in receiver.taken]
    assert [event["type"] for event in events] == ["trunnion.order.queued", "trunnion.order.succeeded"]
    assert events[0]["data"] == order
    path = made.headers["Location"]
    shown = until(lambda: (got := bridge.http.get(path).json())["backlog"] == 0 and got, what="no backlog")
    assert shown["last_success_at"]
    assert (shown["state"], shown["failures"], shown["dead_letters"]) == ("active", 0, 0)
    assert "secret" not in shown
    assert shown["id"] in [one["id"] for one in bridge.http.get("/v1/webhooks").json()]
    assert 'trunnion_webhook_attempts_total{outcome="delivered"}' in bridge.http.get("/metrics").text


def test_what_a_receiver_that_is_gone_missed_can_be_looked_at_and_sent_again(bridge, receiver, subscribe):
    path = subscribe(receiver.url).headers["Location"]
    receiver.answer = lambda _: 410
    order_id = bridge.post({"nut": 1}).json()["id"]
    until(lambda: bridge.http.get(path).json()["state"] == "disabled", what="the webhook's end")
    bridge.until_state(order_id, "succeeded")

    page = bridge.http.get(f"{path}/dead-letters?limit=1").json()
    letters = page["dead_letters"]
    while page["next"]:
        page = bridge.http.get(page["next"]).json()
        letters += page["dead_letters"]
    assert {letter["order_id"] for letter in letters} == {order_id}
    assert letters[0]["type"] == "trunnion.order.queued"
    assert "410" in letters[0]["last_failure"]
    refused = bridge.http.post(f"{path}/redeliver")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:trunnion:problem:webhook-disabled")

    receiver.answer = lambda _: 200
    assert bridge.http.post(f"{path}/enable").json()["state"] == "active"
    asked = bridge.http.post(f"{path}/redeliver", json={"numbers": [letters[0]["number"]]})
    assert (asked.status_code, asked.json()) == (202, {"redelivered": 1})
    assert bridge.http.post(f"{path}/redeliver").json() == {"redelivered": len(letters) - 1}
    until(lambda: len(receiver.taken) == len(letters), what="all dead letters")
    written = bridge.http.get("/v1/audit", params={"subject": path.split("/")[-1]}).json()["entries"]
    assert [entry["action"].removeprefix("webhook.") for entry in reversed(written)] == [
        "create", "redeliver", "enable", "redeliver", "redeliver",
    ]  # fmt: skip
    assert [m.headers["webhook-id"] for m in receiver.taken] == [letter["message_id"] for letter in letters]


def test_a_ping_says_what_the_receiver_answered_and_both_secrets_sign_after_a_change(
    bridge, receiver, subscribe
):
    made = subscribe(receiver.url)
    path, old = made.headers["Location"], made.json()["secret"]
    new = bridge.http.post(f"{path}/secret").json()
    assert new["before_until"]
    result = bridge.http.post(f"{path}/ping").json()

    assert (result["delivered"], result["message"]) == (True, "it answered 204")
    for secret in (old, new["secret"]):
        assert Webhook(secret).verify(receiver.taken[0].body, receiver.taken[0].headers)["data"] == {}
    receiver.answer = lambda _: 302
    assert "redirects are not followed" in bridge.http.post(f"{path}/ping").json()["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "https://10.0.0.1/"}, "webhook-url"),
        ({"url": "http://erp.example/"}, "webhook-url"),
        ({"url": "https://erp.example/", "types": ["trunnion.order.lost"]}, "invalid"),
        ({"url": "https://erp.example/", "types": []}, "invalid"),
        ({"url": "https://erp.example/", "secret": "mine"}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(bridge, body, code):
    answer = bridge.http.post("/v1/webhooks", json=body)
    assert answer.status_code == 422
    assert answer.json()["type"] == f"urn:trunnion:problem:{code}"


def test_a_webhook_that_is_not_there_is_not_found_on_any_route(bridge):
    asked = [
        ("GET", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/secret"), ("POST", "/ping"),
        ("GET", "/dead-letters"), ("POST", "/redeliver"),
    ]  # fmt: skip
    answers = [bridge.http.request(method, f"/v1/webhooks/none{path}") for method, path in asked]
    assert {answer.status_code for answer in answers} == {404}


def test_a_bridge_that_is_killed_while_it_sends_loses_no_event_and_keeps_their_order(
    start_bridge, cell, receiver
):
    let_go, order_ids = threading.Event(), []

    def wait(message):
        let_go.wait(20)
        return 200

    receiver.answer = wait
    with start_bridge() as bridge:
        bridge.until_ready()
        bridge.http.post("/v1/webhooks", json={"url": receiver.url}).raise_for_status()
        order_ids += [bridge.post({"nut": 1}).json()["id"] for _ in range(2)]
        until(lambda: receiver.messages, what="a message under way")
        bridge.stop(signal.SIGKILL)
    let_go.set()
    with start_bridge() as bridge:
        told = {
            order_id: [event["id"] for event in bridge.until_state(order_id, "succeeded", "failed")["events"]]
            for order_id in order_ids
        }
        until(lambda: bridge.http.get("/v1/webhooks").json()[0]["backlog"] == 0, what="no backlog")
    heard = defaultdict(dict)  # what comes again, comes before what follows it
    for message in receiver.taken:
        heard[message.event["subject"]].setdefault(message.event["data"]["event"])
    assert {order_id: list(events) for order_id, events in heard.items()} == told
