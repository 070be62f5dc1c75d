"""The link before a real broker: connected, lost, back again, and never broken by what comes."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.bridge.mosquitto import FleetControl, instant, order, program, running_mosquitto
from tests.bridge.outward.certificates import make_certificate
from tests.bridge.running import until

from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.outward.vda5050.book import Book
from trunnion_bridge.outward.vda5050.condition import Condition
from trunnion_bridge.outward.vda5050.link import Link
from trunnion_bridge.outward.vda5050.mqtt import Mqtt
from trunnion_bridge.outward.vda5050.vehicle import Vehicle
from trunnion_bridge.store import Store

# As they are on the wire, of MQTT 3.1.1.
MQTT_CONNECT, MQTT_ACCEPTED, MQTT_DISCONNECT = b"\x10", b"\x20\x02\x00\x00", b"\xe0\x00"


@pytest.fixture(scope="module")
def broker():
    with running_mosquitto() as running:
        yield running


@pytest.fixture
def control(broker):
    control = FleetControl(broker.port)
    yield control
    control.close()


def beside(folder, mqtt: Mqtt, work: Callable[[Link, Store], Any]) -> Any:
    """`work` on a thread beside a link that runs; what it gave."""

    async def run() -> Any:
        with Database(sqlite_url(folder / "bridge.db")) as database:
            store = Store(database)
            ledger = Ledger(store, lambda: None)

            async def post(request, key):
                return (await ledger.post(request, key, 100))[0]

            vehicle = Vehicle(mqtt.dialect, Book(database), post, ledger.cancel, ledger.get)
            link = Link(mqtt, vehicle, Condition, {"typeSpecification": {}}, rng=random.Random(0))
            await link.start()
            try:
                return await asyncio.to_thread(work, link, store)
            finally:
                await link.leave()

    return asyncio.run(run())


def test_it_says_that_it_is_there_and_says_goodbye_and_both_are_retained(broker, control, tmp_path):
    def work(_link, _store):
        until(lambda: control.connection() == "ONLINE", what="ONLINE")
        late = FleetControl(broker.port)
        until(lambda: late.heard["connection"], what="what is retained")
        late.close()
        assert late.heard["connection"][0]["_retain"]

    beside(tmp_path, Mqtt(f"mqtt://127.0.0.1:{broker.port}"), work)
    until(lambda: control.connection() == "OFFLINE", what="OFFLINE")
    numbers = [said["headerId"] for said in control.heard["connection"] if not said["_retain"]]
    assert numbers == sorted(set(numbers))


def test_a_broker_that_is_gone_and_back_is_found_again_and_orders_go_on(tmp_path):
    with running_mosquitto() as own:
        control = FleetControl(own.port)

        def work(link, store):
            control.until(lambda state: state["orderId"] == "", "a state")
            own.stop()
            until(lambda: not link.is_connected, what="a lost connection")
            own.start()
            until(lambda: link.is_connected, what="a connection")
            until(lambda: control._client.is_connected(), what="the control's connection")
            # Orders are sent at most once; a control that sees no answer sends them again.
            until(lambda: control.send("order", order()) or store.counts()["queued"], what="the order")
            control.until(lambda state: state["orderId"] == "o-1", "the order in the state")
            assert store.counts()["queued"] == 1

        beside(tmp_path, Mqtt(f"mqtt://127.0.0.1:{own.port}"), work)
        control.close()


def test_a_flood_of_nonsense_breaks_nothing(broker, control, tmp_path, caplog):
    rng = random.Random(5)
    nonsense = [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 10_000,
        b"x" * 200_000,
    ]
    nonsense += [bytes(rng.randrange(256) for _ in range(rng.randrange(200))) for _ in range(200)]

    def work(link, store):
        until(lambda: link.is_connected, what="a connection")
        for number, payload in enumerate(nonsense):
            control.send(("order", "instantActions")[number % 2], payload)
        until(
            lambda: control.send("order", order("after")) or store.counts()["queued"],
            what="an order after all that",
        )
        control.until(lambda state: state["orderId"] == "after", "its state")
        assert store.counts()["queued"] == 1

    with caplog.at_level(logging.ERROR, logger="trunnion.bridge"):
        beside(tmp_path, Mqtt(f"mqtt://127.0.0.1:{broker.port}"), work)
    assert [record for record in caplog.records if record.name == "trunnion.bridge"] == []


def test_what_is_not_taken_is_an_error_of_the_next_state(broker, control, tmp_path):
    def work(link, _store):
        until(lambda: link.is_connected, what="a connection")
        control.send("order", order())
        control.send("order", order("o-1", 0, ("gear", 2)))
        state = control.until(lambda state: state["errors"], "an error")
        assert state["errors"][0]["errorType"] == "orderUpdateError"
        control.send("instantActions", instant("c", "cancelOrder"))
        control.until(lambda state: {"c"} <= {one["actionId"] for one in state["actionStates"]}, "the action")

    beside(tmp_path, Mqtt(f"mqtt://127.0.0.1:{broker.port}"), work)


def test_who_leaves_while_the_broker_thinks_leaves_no_connection_open(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as slow:
        slow.settimeout(10)

        def work(_link, _store):
            connection, _ = slow.accept()
            connection.settimeout(10)
            assert connection.recv(4096)[:1] == MQTT_CONNECT
            # The link is left in the middle of this.
            threading.Timer(0.5, connection.sendall, [MQTT_ACCEPTED]).start()
            return connection

        with beside(tmp_path, Mqtt(f"mqtt://127.0.0.1:{slow.getsockname()[1]}"), work) as connection:
            assert connection.recv(4096) == MQTT_DISCONNECT
            assert connection.recv(4096) == b""


def test_over_tls_a_broker_is_held_against_its_certificate_and_asks_for_the_password(tmp_path):
    certificate = make_certificate(tmp_path, "localhost", "127.0.0.1")
    passwords = tmp_path / "passwords"
    assert program()
    maker = program().replace("mosquitto", "mosquitto_passwd").replace("/sbin/", "/bin/")
    subprocess.run([maker, "-b", "-c", str(passwords), "bridge", "only-for-tests"], check=True)
    for file in (certificate, passwords):
        file.chmod(0o644)
    tmp_path.chmod(0o755)
    lines = [
        f"certfile {certificate}",
        f"keyfile {certificate}",
        "allow_anonymous false",
        f"password_file {passwords}",
    ]
    with running_mosquitto(*lines, "user root") as own:
        right = {"ca": certificate, "username": "bridge", "password": "only-for-tests"}
        for changes, is_connected in (({}, True), ({"password": "wrong"}, False), ({"ca": None}, False)):
            mqtt = Mqtt(f"mqtts://127.0.0.1:{own.port}", **{**right, **changes})

            def work(link, _store, is_connected=is_connected):
                if is_connected:
                    until(lambda: link.is_connected, what="a connection")
                else:
                    time.sleep(0.5)
                return link.is_connected

            assert beside(tmp_path, mqtt, work) is is_connected
