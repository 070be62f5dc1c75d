"""Several bridges on one database: all serve, one talks to the robot, and another takes over when that one is lost."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import defaultdict
from contextlib import ExitStack

import pytest
from cryptography.fernet import Fernet
from prometheus_client.parser import text_string_to_metric_families
from standardwebhooks import Webhook
from tests.bridge.opcua import clients
from tests.bridge.outward.receiver import running_receiver
from tests.bridge.replicas import Admin, Replicas, leads
from tests.bridge.running import a_free_port, running_bridge, slowness, until
from websockets.exceptions import ConnectionClosed

TAKEOVER_MAX_S = 10.0


FULL = """
CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON orders EXECUTE FUNCTION full_disk();
"""


@pytest.fixture(scope="module")
def all_replicas(ros_process_environment, bundle, postgres, tmp_path_factory):
    url = postgres.new_database().render_as_string(hide_password=False)
    keys = {"TRUNNION_WEBHOOK_KEY": Fernet.generate_key().decode()}
    environment = {**ros_process_environment, "TRUNNION_DATABASE": url, **keys}

    def start(*arguments):
        port = a_free_port()
        folder = tmp_path_factory.mktemp("replica")
        own = ("--advertise-url", f"http://127.0.0.1:{port}")
        return running_bridge(environment, bundle, folder, port, *own, *arguments)

    with ExitStack() as running:
        yield Replicas(url, start), running


@pytest.fixture
def replicas(all_replicas, cell):
    """Two bridges that are ready; the first leads."""
    bridges, running = all_replicas
    return bridges.ready(running)


@pytest.fixture
def admin(all_replicas):
    return Admin(all_replicas[0].url)


@pytest.fixture
def receiver():
    with running_receiver() as running:
        yield running


def ends(order):
    return [event for event in order["events"] if event["state"] in ("succeeded", "failed", "cancelled")]


def values(bridge):
    families = text_string_to_metric_families(bridge.http.get("/metrics").text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_every_bridge_takes_orders_shows_the_robot_and_tells_of_every_change(replicas, cell):
    first, second = replicas
    assert (leads(first), leads(second)) == (True, False)
    with (
        first.connect("/v1/events", max_size=None) as at_first,
        second.connect("/v1/events", max_size=None) as at_second,
    ):
        order = second.post({"nut": 1, "gear": 1}).json()
        heard = [changes(listener, order["id"]) for listener in (at_first, at_second)]

    assert heard[0] == heard[1]
    assert [state for _, state in heard[0]][:3] == ["queued", "starting", "running"]
    assert heard[0][-1][1] == "succeeded"
    assert cell.executed().count(order["id"]) == 1
    state = until(lambda: (now := second.state())["camera"]["rate_hz"] > 3 and now)
    assert state["bridge"]["leader"]["url"] == first.url
    assert state["bridge"]["leader"]["name"] == first.state()["bridge"]["name"]
    assert state["bridge"]["age_ms"] < 3000
    assert state["arm"]["here"]
    assert {item["label"] for item in state["detections"]["items"]} == {"gear", "bolt", "nut"}
    assert [values(bridge)["trunnion_leader",] for bridge in replicas] == [1, 0]
    assert values(first)["trunnion_takeovers_total",] >= 1
    assert values(second)["trunnion_node_up", "sorter"] == 1


def test_opc_ua_of_a_bridge_that_does_not_lead_shows_the_robot_and_takes_orders(all_replicas, replicas, cell):
    place = clients.Place(a_free_port())
    with all_replicas[0].one_more("--opcua-endpoint", place.url) as follower:
        until(lambda: "opcua: served" in (follower.data_dir / "bridge.log").read_text(), 120.0, "OPC UA")
        assert not leads(follower)
        follower.until_ready()

        async def order_a_nut(client, index):
            placed = await clients.call(client, index, "PlaceOrder", *clients.order(["nut"], [1]))
            order_id = placed.OutputArguments[0]
            follower.until_state(order_id.Value, "succeeded")
            known = await clients.call(client, index, "GetOrder", order_id)
            here = client.get_node(f"ns={index};s=Cell/Arm/Here")
            return order_id.Value, known.OutputArguments[0].Value, await here.read_value()

        order_id, state, is_here = clients.ask(place, order_a_nut)

        assert (state, is_here) == ("succeeded", True)
        assert cell.executed().count(order_id) == 1
        assert {check["name"]: check["ok"] for check in follower.http.get("/healthz").json()["checks"]}[
            "opcua"
        ]


def test_an_order_is_cancelled_at_any_bridge(replicas, cell):
    first, second = replicas
    cell.say("sorter slow")
    running, waiting = first.post({"bolt": 2}).json(), first.post({"nut": 1}).json()
    first.until_state(running["id"], "running")

    assert second.http.post(f"/v1/orders/{waiting['id']}/cancel").json()["state"] == "cancelled"
    assert second.http.post(f"/v1/orders/{running['id']}/cancel").json()["cancelling"]

    left = second.until_state(running["id"], "cancelled", "succeeded", "failed")
    assert (left["state"], left["message"]) == ("cancelled", "left off, the arm holds")
    assert cell.executed().count(waiting["id"]) == 0


def test_the_camera_of_another_bridge_is_named(replicas):
    first, second = replicas
    assert first.http.get("/v1/camera.jpg").status_code == 200

    answer = second.http.get("/v1/camera.jpg")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json()["type"] == "urn:trunnion:problem:camera-elsewhere"
    assert first.url in answer.json()["wanted"]
    with second.connect("/v1/camera") as watcher, pytest.raises(ConnectionClosed) as closed:
        watcher.recv(timeout=5)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "camera-elsewhere")


def test_an_order_whose_leader_is_killed_is_brought_to_its_end_by_the_next(replicas, cell):
    first, second = replicas
    cell.say("sorter steady")
    order, waiting = first.post({"bolt": 4}).json(), second.post({"nut": 1}).json()
    first.until_state(order["id"], "running")

    first.stop(signal.SIGKILL)
    killed_s = time.monotonic()

    until(lambda: leads(second), what="the second to lead")
    assert time.monotonic() - killed_s < TAKEOVER_MAX_S
    done = second.until_state(order["id"], "succeeded", "failed")
    assert (done["state"], done["message"]) == ("succeeded", "4 parts lie in bin B")
    cell.say("sorter quick")
    until(lambda: second.order(waiting["id"])["state"] == "succeeded", what="the order behind it")
    assert [len(ends(second.order(one["id"]))) for one in (order, waiting)] == [1, 1]
    assert [cell.executed().count(one["id"]) for one in (order, waiting)] == [1, 1]
    second.until_ready()


def test_webhooks_that_a_killed_leader_did_not_deliver_come_from_the_next_in_order(replicas, cell, receiver):
    first, second = replicas
    let_go = threading.Event()
    receiver.answer = lambda _: 204 if let_go.wait(20) else 500
    webhook = second.http.post("/v1/webhooks", json={"url": receiver.url}).json()
    path = f"/v1/webhooks/{webhook['id']}"
    order_ids = [bridge.post({"nut": 1}).json()["id"] for bridge in (first, second)]
    orders = [second.until_state(order_id, "succeeded") for order_id in order_ids]
    until(lambda: len(receiver.messages) == 2, what="the first event of each order, under way")

    first.stop(signal.SIGKILL)
    assert second.http.get(path).json()["backlog"] == sum(len(order["events"]) for order in orders)
    let_go.set()

    until(lambda: second.http.get(path).json()["backlog"] == 0, what="the next leader's deliveries")
    assert leads(second)
    heard = defaultdict(dict)  # what comes again, comes before what follows it
    for message in receiver.messages:
        event = Webhook(webhook["secret"]).verify(message.body, message.headers)
        heard[event["subject"]].setdefault(event["data"]["event"])
    assert {order_id: list(events) for order_id, events in heard.items()} == {
        order["id"]: [event["id"] for event in order["events"]] for order in orders
    }
    assert second.http.delete(path).status_code == 204


def test_a_leader_that_hangs_is_replaced_and_follows_when_it_wakes_up(replicas, cell):
    first, second = replicas
    cell.say("sorter slow")
    order = first.post({"bolt": 3}).json()
    first.until_state(order["id"], "running")

    first.process.send_signal(signal.SIGSTOP)
    stopped_s = time.monotonic()
    until(lambda: leads(second), what="the second to lead")
    took_s = time.monotonic() - stopped_s
    time.sleep(max(0.0, 6.0 - took_s))  # longer than a sorter may be silent
    first.process.send_signal(signal.SIGCONT)

    assert took_s < TAKEOVER_MAX_S
    until(lambda: not leads(first), what="the first to follow")
    assert first.until_state(order["id"], "succeeded", "failed", "cancelled")["state"] == "succeeded"
    assert len(ends(first.order(order["id"]))) == 1
    cell.say("sorter quick")
    again = first.post({"nut": 1}).json()
    assert first.until_state(again["id"], "succeeded", "failed")["state"] == "succeeded"
    assert [cell.executed().count(one["id"]) for one in (order, again)] == [1, 1]
    assert first.state()["bridge"]["leader"]["url"] == second.url


def test_a_leader_that_is_stopped_leaves_its_order_to_the_next(replicas, cell):
    first, second = replicas
    cell.say("sorter steady")
    order = second.post({"bolt": 3}).json()
    first.until_state(order["id"], "running")
    until(lambda: not first.state()["queued"])
    began_s = time.monotonic()

    assert first.stop(signal.SIGTERM) == 0

    assert time.monotonic() - began_s < 3 * slowness()
    assert second.until_state(order["id"], "succeeded", "failed", "cancelled")["state"] == "succeeded"
    assert len(ends(second.order(order["id"]))) == 1


def test_bridges_come_back_with_their_server(replicas, cell, postgres):
    first, second = replicas
    cell.say("sorter steady")
    order = second.post({"bolt": 5}).json()
    first.until_state(order["id"], "running")
    with second.connect("/v1/events", max_size=None) as listener:
        last = json.loads(listener.recv(timeout=5))["id"]
    postgres.stop()

    try:
        until(lambda: first.http.get("/readyz").status_code == 503, what="doubt")
        answer = second.post({"nut": 1}, **{"Idempotency-Key": "again"})
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:trunnion:problem:database-away")
        assert int(answer.headers["Retry-After"]) > 0
        assert second.http.get("/healthz").status_code == 200
        until(lambda: values(second)["trunnion_database_up",] == 0, what="a metric that says so")
    finally:
        postgres.start()

    again = until(
        lambda: (said := second.post({"nut": 1}, **{"Idempotency-Key": "again"})).is_success and said
    )
    for bridge in replicas:
        assert bridge.until_state(order["id"], "succeeded", "failed")["state"] == "succeeded"
        bridge.until_ready()
    cell.say("sorter quick")
    done = second.until_state(again.json()["id"], "succeeded", "failed")
    assert done["state"] == "succeeded"
    assert cell.executed().count(order["id"]) == 1
    assert sorted([leads(first), leads(second)]) == [False, True]
    with second.connect(f"/v1/events?after={last}", max_size=None) as listener:
        assert changes(listener, done["id"])[-1] == (done["event"], "succeeded")


def test_a_server_whose_disk_is_full_is_told_and_nothing_is_lost(replicas, cell, admin):
    first, second = replicas
    cell.say("sorter steady")
    order = second.post({"bolt": 2}).json()
    first.until_state(order["id"], "running")
    admin(FULL)

    answer = second.post({"nut": 1}, **{"Idempotency-Key": "full"})
    assert (answer.status_code, answer.json()["got"]) == (503, "a disk that is full or broken")
    until(lambda: not first.state()["arm"]["grasped"], what="the end of the order at the robot")
    assert second.order(order["id"])["state"] == "running"
    admin("DROP TRIGGER full_disk ON orders")

    assert second.post({"nut": 1}, **{"Idempotency-Key": "full"}).status_code == 201
    assert first.until_state(order["id"], "succeeded", "failed")["sorted"] == 2


def test_a_database_that_somebody_keeps_locked_is_told(replicas, admin):
    first, second = replicas
    with admin.locked():
        answer = second.post({"nut": 1}, **{"Idempotency-Key": "locked"})

    assert (answer.status_code, answer.json()["got"]) == (503, "a database that is locked")
    again = second.post({"nut": 1}, **{"Idempotency-Key": "locked"})
    assert again.status_code == 201
    assert first.until_state(again.json()["id"], "succeeded", "failed")["state"] == "succeeded"


def changes(listener, order_id):
    """The ids and states of an order's changes, up to its end."""
    heard = []
    while not (heard and heard[-1][1] in ("succeeded", "failed", "cancelled")):
        event = json.loads(listener.recv(timeout=20))
        if event["type"] == "order" and event["data"]["id"] == order_id:
            heard.append((event["id"], event["data"]["state"]))
    return heard
