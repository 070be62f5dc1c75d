"""The WebSocket of events."""

from __future__ import annotations

import json
import socket
import time

import psutil

GROWTH_MAX_MIB = 12


def events(bridge, after=None):
    query = "" if after is None else f"?after={after}"
    return bridge.connect(f"/v1/events{query}", max_size=None)


def test_a_listener_first_hears_how_things_stand(bridge):
    order = bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")

    with events(bridge) as listener:
        first = json.loads(listener.recv(timeout=5))

    assert first["type"] == "snapshot"
    assert first["data"]["orders"][0]["id"] == order["id"]
    assert first["data"]["state"]["bundle"]["parts"] == ["gear", "bolt", "nut"]


def test_every_change_of_an_order_is_told_in_sequence(bridge):
    with events(bridge) as listener:
        order_id = bridge.post({"gear": 1, "nut": 1}).json()["id"]
        heard = until_ended(listener, order_id)

    seqs = [event["seq"] for event in heard]
    assert seqs == sorted(set(seqs))
    changes = [event["data"] for event in heard if is_about(event, order_id)]
    assert [change["state"] for change in changes][:3] == ["queued", "starting", "running"]
    assert [change["sorted"] for change in changes] == sorted(change["sorted"] for change in changes)
    assert {change["phase"] for change in changes} >= {"look", "pick", "place"}
    assert changes[-1]["state"] == "succeeded"


def test_states_come_at_most_ten_times_a_second(bridge):
    with events(bridge) as listener:
        begin_s, states = time.monotonic(), 0
        while time.monotonic() - begin_s < 1.5:
            states += json.loads(listener.recv(timeout=5))["type"] == "state"

    assert 3 <= states <= 16


def test_listeners_who_never_read_cost_no_memory_and_slow_nobody_down(bridge):
    process = psutil.Process(bridge.process.pid)
    sleepers = [sleeping_listener(bridge, path) for path in ["/v1/events", "/v1/camera"] * 3]
    try:
        time.sleep(1)
        before_mib = process.memory_info().rss / 2**20
        with events(bridge) as awake:
            order_id = bridge.post({"gear": 2, "nut": 2}).json()["id"]
            assert until_ended(awake, order_id)[-1]["data"]["state"] == "succeeded"
        time.sleep(2)
        assert process.memory_info().rss / 2**20 - before_mib < GROWTH_MAX_MIB
    finally:
        for sleeper in sleepers:
            sleeper.close()


def test_a_web_site_elsewhere_hears_nothing(bridge):
    with socket.create_connection(("127.0.0.1", bridge.port)) as client:
        client.sendall(upgrade(bridge.port, "/v1/events", "Origin: http://evil.example\r\n"))

        assert client.recv(64).startswith(b"HTTP/1.1 403")


def is_about(event, order_id):
    return event["type"] == "order" and event["data"]["id"] == order_id


def until_ended(listener, order_id):
    """Every event up to the order's last one."""
    heard = [json.loads(listener.recv(timeout=20))]
    while not (is_about(heard[-1], order_id) and heard[-1]["data"]["ended_at"]):
        heard.append(json.loads(listener.recv(timeout=20)))
    return heard


def sleeping_listener(bridge, path):
    """A client with the smallest of receive buffers that asks for a WebSocket and never reads it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", bridge.port))
    client.sendall(upgrade(bridge.port, path, f"Authorization: Bearer {bridge.token}\r\n"))
    return client


def upgrade(port, path, extra=""):
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    ).encode()


def test_a_listener_that_comes_back_hears_every_change_once(bridge):
    with events(bridge) as listener:
        latest = json.loads(listener.recv(timeout=5))["id"]
        first = bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")
        live = [event["id"] for event in until_ended(listener, first["id"]) if "id" in event]
    second = bridge.post({"gear": 2}).json()["id"]

    with events(bridge, after=live[1]) as listener:
        again = [event for event in until_ended(listener, second) if "id" in event]

    ids = [event["id"] for event in again]
    assert [event["type"] for event in again] == ["order"] * len(again)
    assert ids == sorted(set(ids))
    assert live[2:] == ids[: len(live) - 2]
    history = bridge.http.get(f"/v1/orders/{second}/events").json()
    assert ids[len(live) - 2 :] == [event["id"] for event in history]
    assert latest < live[0]


def test_server_sent_events_go_on_after_the_last_event_id(bridge):
    done = bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")
    ids = [event["id"] for event in done["events"]]

    heard = sent_events(bridge, {"Last-Event-ID": str(ids[0])}, until_id=ids[-1])

    assert [int(event["id"]) for event in heard if "id" in event] == ids[1:]
    assert [event["event"] for event in heard if "id" in event] == ["order"] * (len(ids) - 1)
    assert json.loads(heard[-1]["data"])["data"]["state"] == "succeeded"


def test_an_id_that_nobody_knows_brings_a_snapshot_that_says_so(bridge):
    with events(bridge, after=2**40) as listener:
        first = json.loads(listener.recv(timeout=5))

    assert (first["type"], first["data"]["gap"]) == ("snapshot", True)
    answer = bridge.http.get("/v1/events", headers={"Last-Event-ID": "x"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:trunnion:problem:invalid")


def sent_events(bridge, headers, until_id):
    """Server-sent events up to the one with an id."""
    heard, event = [], {}
    with bridge.http.stream("GET", "/v1/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line:
                event.update([line.split(": ", 1)])
            else:
                heard.append(event)
                if event.get("id") == str(until_id):
                    return heard
                event = {}
    raise AssertionError("the stream ended")
