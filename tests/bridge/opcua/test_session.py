"""Who gets a session, and what one session can do to the bridge and to the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from tests.bridge.opcua.clients import Place, ask, call, order, said
from tests.bridge.running import RunningBridge, a_free_port, running_bridge, slowness, until

from trunnion_bridge.opcua.gatekeeper import JWT

STATUS = ua.StatusCodes


@pytest.fixture(scope="module")
def closed_place() -> Place:
    return Place(a_free_port())


@pytest.fixture(scope="module")
def closed_bridge(
    ros_process_environment, bundle, tmp_path_factory, closed_place, bridge_pem
) -> Iterator[RunningBridge]:
    """A bridge with a certificate, which lets in nobody without a token."""
    data_dir = tmp_path_factory.mktemp("closed")
    arguments = ("--opcua-endpoint", closed_place.url, "--opcua-cert", str(bridge_pem.certificate))
    arguments = (*arguments, "--opcua-key", str(bridge_pem.key))
    with running_bridge(ros_process_environment, bundle, data_dir, a_free_port(), *arguments) as bridge:
        until(lambda: "opcua: served" in (data_dir / "bridge.log").read_text(), 120.0, "OPC UA")
        yield bridge


@pytest.fixture
def make_key(closed_bridge):
    """Make a key over the API."""

    def make(role, **more):
        expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        body = {"name": "a test", "role": role, "expires_at": expires_at, **more}
        made = closed_bridge.http.post("/v1/keys", json=body)
        assert made.status_code == 201, made.text
        return made.json()

    return make


async def look(client, index):
    return await client.get_node(f"ns={index};s=Cell/Bundle/Name").read_value()


def status_of(work):
    """The status with which OPC UA refuses what `work` does; None where it does not."""
    try:
        work()
    except ua.UaStatusCodeError as error:
        return error.code
    return None


def test_a_key_opens_what_its_role_may(closed_place, closed_bridge, client_pem, make_key):
    viewer, operator = make_key("viewer"), make_key("operator")

    async def place(client, index):
        return await call(client, index, "PlaceOrder", *order(["nut"], [1]))

    assert ask(closed_place, look, "any name", viewer["secret"], client_pem) == "sorting_cell"
    refused = ask(closed_place, place, "any name", viewer["secret"], client_pem)
    placed = ask(closed_place, place, "any name", operator["secret"], client_pem)

    assert refused.StatusCode.value == STATUS.BadUserAccessDenied
    assert f"got 'key:{viewer['id']}' with the role viewer, wanted the role operator" in said(refused)
    assert closed_bridge.order(placed.OutputArguments[0].Value)["requested"] == 1
    who = closed_bridge.http.get("/v1/audit", params={"action": "order.create"}).json()["entries"]
    assert [(one["who"], one["outcome"]) for one in who] == [
        (f"key:{operator['id']}", "done"),
        (f"key:{viewer['id']}", "refused"),
    ]


def test_nobody_comes_in_without_a_token_or_with_a_wrong_one(
    closed_place, closed_bridge, client_pem, make_key
):
    key = make_key("admin")["secret"]
    other_areas = make_key("admin", areas=["camera"])["secret"]

    for user, password in (
        ("", ""),
        ("admin", ""),
        ("admin", "admin"),
        ("x", key[:-1] + "A"),
        ("x", other_areas),
    ):
        refused = status_of(
            lambda user=user, password=password: ask(closed_place, look, user, password, client_pem)
        )
        assert refused in (STATUS.BadUserAccessDenied, STATUS.BadIdentityTokenRejected), (user, password)


def test_a_jwt_opens_a_session_as_password_and_as_issued_token(closed_place, closed_bridge, client_pem):
    class Bearer(Client):
        def _add_anonymous_auth(self, params):
            token = ua.IssuedIdentityToken()
            token.PolicyId, token.TokenData = "jwt", closed_bridge.token.encode()
            params.UserIdentityToken = token

    async def issued():
        client = Bearer(closed_place.url)
        await client.set_security(
            SecurityPolicyBasic256Sha256, str(client_pem.certificate), str(client_pem.key)
        )
        async with client:
            offered = (await client.get_endpoints())[0].UserIdentityTokens
            return offered, await look(client, await client.get_namespace_index("urn:trunnion:bridge"))

    offered, name = asyncio.run(issued())
    assert name == ask(closed_place, look, "ada", closed_bridge.token, client_pem) == "sorting_cell"
    assert {policy.TokenType.name for policy in offered} == {"UserName", "IssuedToken"}
    assert {policy.IssuedTokenType for policy in offered} == {None, JWT}


def test_a_channel_without_encryption_is_for_discovery_only(closed_place, closed_bridge, make_key):
    """asyncua by itself takes sessions on it, and passwords with them."""
    key = make_key("admin")["secret"]

    async def unsecured():
        client = Client(closed_place.url)
        client.set_user("x")
        client.set_password(key)
        await client.connect_socket()
        try:
            await client.send_hello()
            await client.open_secure_channel()
            endpoints = await client.get_endpoints()
            with pytest.raises(ua.UaStatusCodeError) as refused:
                await client.create_session()
            return endpoints, refused.value.code
        finally:
            client.disconnect_socket()

    endpoints, refused = asyncio.run(unsecured())
    assert [endpoint.SecurityMode.name for endpoint in endpoints] == ["SignAndEncrypt"]
    assert refused == STATUS.BadSecurityModeRejected


def test_a_session_ends_with_its_key(closed_place, closed_bridge, client_pem, make_key):
    key = make_key("viewer")

    async def until_ended(client, index):
        await look(client, index)
        assert closed_bridge.http.delete(f"/v1/keys/{key['id']}").status_code == 200
        begin_s = time.monotonic()
        while time.monotonic() - begin_s < 10:
            try:
                await look(client, index)
            except ua.UaStatusCodeError as error:
                return error.code, time.monotonic() - begin_s
            await asyncio.sleep(0.1)
        return None, 10.0

    status, took_s = ask(closed_place, until_ended, "x", key["secret"], client_pem)
    assert status == STATUS.BadSessionNotActivated
    assert took_s < 6.0


def test_one_session_cannot_touch_the_subscriptions_of_another(open_place, open_bridge):
    class Silent:
        def datachange_notification(self, node, value, data):
            pass

    async def two(client, index):
        mine = await client.create_subscription(1, Silent())
        other = Client(open_place.url)
        async with other:
            results = await other.uaclient.delete_subscriptions([mine.subscription_id])
            params = ua.CreateMonitoredItemsParameters()
            params.SubscriptionId = mine.subscription_id
            with pytest.raises(ua.UaStatusCodeError):
                await other.uaclient.create_monitored_items(params)
        return mine.parameters.RequestedPublishingInterval, results, await mine.delete()

    interval, results, _ = ask(open_place, two)
    assert [status.value for status in results] == [STATUS.BadSubscriptionIdInvalid]
    assert interval in (1, 100)


def test_a_connection_has_one_session_which_no_other_connection_can_take(open_place, open_bridge):
    async def again(client, index):
        params = ua.CreateSessionParameters()
        params.EndpointUrl, params.RequestedSessionTimeout = open_place.url, 60_000
        with pytest.raises(ua.UaStatusCodeError) as second:
            await client.uaclient.create_session(params)
        other = Client(open_place.url)
        await other.connect_socket()
        try:
            await other.send_hello()
            await other.open_secure_channel()
            other.uaclient.protocol.authentication_token = client.uaclient.protocol.authentication_token
            with pytest.raises(ua.UaStatusCodeError) as taken:
                await other.uaclient.activate_session(ua.ActivateSessionParameters())
        finally:
            other.disconnect_socket()
        return second.value.code, taken.value.code

    assert ask(open_place, again) == (STATUS.BadTooManySessions, STATUS.BadSessionIdInvalid)


def test_what_one_request_and_one_session_may_ask_for_has_a_bound(open_place, open_bridge):
    async def much(client, index):
        node = client.get_node(f"ns={index};s=Cell/Arm/X")
        codes = [await tried(client.read_values([node] * number)) for number in (500, 501)]
        codes.append([await tried(client.create_subscription(500, None)) for _ in range(9)][-2:])
        return codes

    async def tried(work):
        try:
            await work
        except ua.UaStatusCodeError as error:
            return error.code
        return None

    assert ask(open_place, much) == [
        None,
        STATUS.BadTooManyOperations,
        [None, STATUS.BadTooManySubscriptions],
    ]
    until(lambda: "trunnion_opcua_sessions 0.0" in open_bridge.http.get("/metrics").text, 10.0)


def test_a_bridge_stops_within_three_seconds_under_its_sessions(
    closed_place, closed_bridge, client_pem, make_key
):
    """The last one here, for the bridge ends with it."""
    key = make_key("viewer")["secret"]

    async def stop(client, index):
        await client.create_subscription(100, None)
        begin_s = time.monotonic()
        closed_bridge.process.terminate()
        code = await asyncio.to_thread(closed_bridge.process.wait, 10)
        return code, time.monotonic() - begin_s

    result = []
    with suppress(ConnectionError, asyncio.TimeoutError, ua.UaError):
        ask(closed_place, lambda client, index: _kept(result, stop(client, index)), "x", key, client_pem)
    code, took_s = result[0]
    assert code == 0
    assert took_s < 3 * slowness()


async def _kept(result, work):
    result.append(await work)
