"""Whatever comes in on the port, the bridge goes on, keeps nothing of it, and others are served."""

from __future__ import annotations

import asyncio
import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.ua.ua_binary import nodeid_to_binary, struct_to_binary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bridge.opcua.clients import HELLO, ask, call, order, receive, recording, until_closed
from tests.bridge.running import until

relaxed = settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
chunks = st.builds(
    lambda kind, last, size, body: kind + last + struct.pack("<I", size) + body,
    st.sampled_from([b"HEL", b"OPN", b"MSG", b"CLO", b"ACK", b"ERR", b"RHE", b"GET"])
    | st.binary(min_size=3, max_size=3),
    st.sampled_from([b"F", b"C", b"A"]) | st.binary(min_size=1, max_size=1),
    st.integers(0, 2**32 - 1) | st.integers(0, 200) | st.sampled_from([65535, 65536, 2**31]),
    st.binary(max_size=200),
)


def memory_mib(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def send_and_wait(place, data):
    with place.connect() as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
            connection.shutdown(1)
        until_closed(connection)


def check_it_serves(bridge, place):
    async def ready(client, index):
        return await client.get_node(f"ns={index};s=Cell/Live").read_value()

    assert bridge.process.poll() is None
    assert ask(place, ready) is True


@pytest.fixture
def steady(open_bridge, open_place):
    """The bridge before and after: it serves, has let go of every connection, and has kept next to nothing."""
    check_it_serves(open_bridge, open_place)
    before_mib = memory_mib(open_bridge.process)
    yield open_bridge
    check_it_serves(open_bridge, open_place)
    none = ("trunnion_opcua_connections 0.0", "trunnion_opcua_sessions 0.0")
    until(lambda: all(line in open_bridge.http.get("/metrics").text for line in none), 20.0, "the end of all")
    assert memory_mib(open_bridge.process) - before_mib < 40


@relaxed
@given(data=st.binary(max_size=300) | st.lists(chunks, max_size=4).map(b"".join), greets=st.booleans())
def test_any_bytes_are_taken_without_harm(steady, open_place, data, greets):
    send_and_wait(open_place, (HELLO if greets else b"") + data)


@pytest.fixture(scope="module")
def spoken(the_open_bridge, open_place):
    """What a real client sends, from its greeting to its leave."""

    async def converse(client, index):
        cell = client.get_node(f"ns={index};s=Cell")
        await cell.get_children()
        subscription = await client.create_subscription(100, None)
        await client.uaclient.session.create_monitored_items(_items(subscription.subscription_id, index))
        await call(client, index, "PlaceOrder", *order(["cog"], [1], "B", "a-key"))
        await subscription.delete()

    with recording(open_place) as (place, kept):
        ask(place, converse)
    return kept


def _items(subscription_id, index):
    item = ua.MonitoredItemCreateRequest()
    item.ItemToMonitor.NodeId = ua.NodeId("Cell/Arm/X", index)
    item.ItemToMonitor.AttributeId = ua.AttributeIds.Value
    item.MonitoringMode = ua.MonitoringMode.Reporting
    params = ua.CreateMonitoredItemsParameters()
    params.SubscriptionId, params.ItemsToCreate = subscription_id, [item]
    return params


def replay(place, spoken, mutate=lambda number, chunk: chunk, patience_s=0.5):
    """Say it again on a channel of its own; what was answered.

    Where the leave is what was mutated, nobody closes: after `patience_s` of silence nothing more is waited for.
    """
    hello, opening, *rest = spoken
    with place.connect() as connection, suppress(ConnectionError, TimeoutError):
        connection.sendall(hello)
        receive(connection)
        connection.sendall(opening)
        channel = receive(connection)[8:12]
        for number, chunk in enumerate(rest):
            mutated = mutate(number, chunk)
            connection.sendall(mutated[:8] + channel + mutated[12:])
        connection.settimeout(patience_s)
        return until_closed(connection)
    return b""


@relaxed
@given(data=st.data())
def test_a_conversation_with_errors_in_it_is_taken_without_harm(steady, open_place, spoken, data):
    """The mutations reach everything behind the channel: sessions, reads, subscriptions and calls."""
    wrong = data.draw(st.integers(2, len(spoken) - 1))
    at = data.draw(st.integers(12, len(spoken[wrong]) - 1))
    bad = data.draw(
        st.binary(min_size=1, max_size=6) | st.sampled_from([b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff"])
    )

    def mutate(number, chunk):
        return chunk[:at] + bad + chunk[at + len(bad) :] if number == wrong - 2 else chunk

    replay(open_place, spoken, mutate)


def test_the_conversation_without_errors_is_answered_to_its_end(steady, open_place, spoken):
    """Or the test before this one would try nothing behind the channel."""
    answer = replay(open_place, spoken, patience_s=30)

    assert b"wanted one of gear, bolt, nut" in answer
    assert answer.count(b"MSGF") >= 8


def test_a_size_that_is_announced_is_not_waited_for(steady, open_place):
    for header in (
        b"MSGF\xff\xff\xff\xff",
        b"HELF\x00\x00\x01\x00",
        b"OPNF\x00\x00\x00\x00",
        b"ACKF\x1c\x00\x00\x00",
    ):
        with open_place.connect() as connection:
            connection.sendall(header + bytes(100))
            assert until_closed(connection).startswith(b"ERRF")


def test_an_array_of_nothing_does_not_fill_the_memory(steady, open_place):
    """Two thousand million elements in five bytes, on a channel that anyone may open."""

    async def bomb():
        client = Client(open_place.url, timeout=4)
        await client.connect_socket()
        try:
            await client.send_hello()
            await client.open_secure_channel()
            request = ua.GetEndpointsRequest()
            request.TypeId = ua.NodeId(ua.ObjectIds.GetEndpointsRequest_Encoding_DefaultBinary)
            operand = nodeid_to_binary(ua.NodeId(ua.ObjectIds.LiteralOperand_Encoding_DefaultBinary))
            body = b"\x80\xff\xff\xff\x7f"
            packed = struct_to_binary(request)
            empty = struct_to_binary(request.RequestHeader)[-3:]
            at = packed.index(struct_to_binary(request.RequestHeader)) + len(
                struct_to_binary(request.RequestHeader)
            )
            assert empty == b"\x00\x00\x00"  # no additional header; it is put in its place
            extension = operand + b"\x01" + struct.pack("<i", len(body)) + body
            protocol = client.uaclient.protocol
            packed = packed[: at - 3] + extension + packed[at:]
            protocol.transport.write(protocol._connection.message_to_binary(packed, request_id=9))
            begin_s = time.monotonic()
            while protocol.transport and time.monotonic() - begin_s < 5:
                await asyncio.sleep(0.05)
            return time.monotonic() - begin_s
        finally:
            client.disconnect_socket()

    assert asyncio.run(bomb()) < 4


def test_idle_connections_have_a_bound_and_do_not_last(steady, open_place):
    idle = [open_place.connect() for _ in range(45)]
    try:
        turned_away = 0
        for connection in idle[40:]:
            connection.settimeout(5.0)
            turned_away += until_closed(connection) == b""
        assert turned_away == 5
    finally:
        for connection in idle:
            connection.close()


def test_a_client_that_does_not_read_for_a_while_harms_nobody(steady, open_place):
    async def flood(client, index):
        node = client.get_node(f"ns={index};s=Cell/Bundle/Digest")
        client.uaclient.protocol.transport.pause_reading()
        reads = [asyncio.ensure_future(client.read_values([node] * 500)) for _ in range(60)]
        await asyncio.sleep(0.3)
        client.uaclient.protocol.transport.resume_reading()
        return await asyncio.gather(*reads, return_exceptions=True)

    with suppress(ConnectionError, OSError, ua.UaError, asyncio.TimeoutError):
        ask(open_place, flood)
