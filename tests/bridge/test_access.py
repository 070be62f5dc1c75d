"""Tokens, roles, and the table of what each route wants."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import re
import socket

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.routing import Mount
from tests.bridge.running import until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from trunnion_bridge.access.issuer import Issuer
from trunnion_bridge.access.neighbour import user_of
from trunnion_bridge.access.roles import Role, highest_role
from trunnion_bridge.access.tokens import LEEWAY_S, TokenVerifier
from trunnion_bridge.access.wanted import ROUTES, WEBSOCKET, RouteTable
from trunnion_bridge.app import create_app
from trunnion_bridge.problem import Refused
from trunnion_bridge.settings import Settings

ISSUER, AUDIENCE, NOW_S = "https://id.example", "cell", 1_800_000_000.0
KEY = RSAKey.generate_key(2048, auto_kid=True)
OTHER = RSAKey.generate_key(2048, auto_kid=True)
GOOD = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": NOW_S + 60, "roles": ["operator", "viewer"]}


class Published:
    """An issuer that publishes one key."""

    async def find(self, kid):
        return KEY if kid in (None, KEY.kid) else None


def caller(token, now_s=NOW_S):
    return asyncio.run(TokenVerifier(Published(), ISSUER, AUDIENCE, clock=lambda: now_s).caller(token))


def token(key=KEY, header=None, **changes):
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": key.kid, **(header or {})}, claims, key)


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def by_hand(algorithm, sign=lambda _: b""):
    content = b".".join(encoded(json.dumps(p).encode()) for p in ({"alg": algorithm, "kid": KEY.kid}, GOOD))
    return (content + b"." + encoded(sign(content))).decode()


def signed_with_the_public_key():
    secret = KEY.as_pem(private=False)
    return by_hand("HS256", lambda content: hmac.digest(secret, content, "sha256"))


def test_a_good_token_names_its_caller_and_the_highest_role():
    assert caller(token())[:3] == ("ada", Role.OPERATOR, NOW_S + 60)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (lambda: token(exp=NOW_S - LEEWAY_S - 1), "expired"),
        (lambda: token(exp=None), "exp"),
        (lambda: token(nbf=NOW_S + LEEWAY_S + 5), "not yet valid"),
        (lambda: token(aud="other"), "aud"),
        (lambda: token(aud=None), "aud"),
        (lambda: token(iss="https://evil.example"), "iss"),
        (lambda: token(OTHER), "does not publish"),
        (lambda: token(OTHER, {"kid": KEY.kid}), "signature"),
        (lambda: token(header={"typ": "logout+jwt"}), "no access token"),
        (lambda: by_hand("none"), "algorithm 'none'"),
        (lambda: by_hand("None"), "algorithm 'None'"),
        (lambda: by_hand("RS256"), "signature|does not fit"),
        (signed_with_the_public_key, "algorithm 'HS256'"),
        (lambda: token()[:-8] + "AAAAAAAA", "signature"),
        (lambda: "", "no signed JWT"),
        (lambda: "x" * 20_000, "20000 characters"),
    ],
)
def test_a_bad_token_is_refused_and_told_why(bad, why):
    with pytest.raises(Refused, match=why) as refused:
        caller(bad())
    assert refused.value.code == "unauthenticated"
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]


def test_clocks_may_differ_by_a_little():
    assert caller(token(), NOW_S + 60 + LEEWAY_S - 2).name == "ada"
    assert caller(token(nbf=NOW_S), NOW_S - LEEWAY_S + 2).name == "ada"


@pytest.mark.parametrize(
    ("key_then", "now_s", "why"),
    [(KEY, NOW_S + 60 + LEEWAY_S + 1, "expired"), (None, NOW_S, "publish"), (OTHER, NOW_S, "signature")],
)
def test_a_token_that_was_good_is_refused_once_its_time_or_its_key_is_over(key_then, now_s, why):
    now = {"key": KEY, "s": NOW_S}

    class Rotating:
        async def find(self, _):
            return now["key"]

    verifier, again = TokenVerifier(Rotating(), ISSUER, AUDIENCE, clock=lambda: now["s"]), token()
    assert [asyncio.run(verifier.caller(again)).name for _ in range(2)] == ["ada", "ada"]
    now.update(key=key_then, s=now_s)
    with pytest.raises(Refused, match=why):
        asyncio.run(verifier.caller(again))


def test_the_signature_of_a_token_that_comes_again_is_not_computed_again(monkeypatch):
    verifier, again = TokenVerifier(Published(), ISSUER, AUDIENCE, clock=lambda: NOW_S), token()
    first = asyncio.run(verifier.caller(again))
    monkeypatch.setattr(jwt, "decode", None)
    assert asyncio.run(verifier.caller(again)) == first


@given(
    st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,60}(\.[A-Za-z0-9_-]{0,60}){2}", fullmatch=True)
)
def test_whatever_stands_for_a_token_is_refused_and_breaks_nothing(text):
    with pytest.raises(Refused):
        caller(text)


@pytest.mark.parametrize(
    ("claims", "claim", "role"),
    [
        ({"roles": "viewer admin"}, "roles", Role.ADMIN),
        ({"realm_access": {"roles": ["integrator"]}}, "realm_access.roles", Role.INTEGRATOR),
        ({"https://a.b/roles": ["viewer"]}, "https://a.b/roles", Role.VIEWER),
        ({"roles": ["superadmin", 7, None]}, "roles", None),
        ({"roles": {"admin": True}}, "roles", None),
        ({}, "roles", None),
    ],
)
def test_roles_are_found_where_providers_put_them(claims, claim, role):
    assert highest_role(claims, claim) is role


def test_an_issuer_that_is_away_lets_nobody_in_and_is_not_asked_again_at_once():
    issuer = Issuer("http://127.0.0.1:1")
    for _ in range(3):
        with pytest.raises(Refused, match="no keys from") as refused:
            asyncio.run(issuer.find("any"))
        assert refused.value.code == "issuer-away"
    assert issuer.fetches == 1


def test_every_route_of_the_application_stands_in_the_table_and_no_other(bundle, tmp_path):
    app = create_app(Settings(bundle=bundle, data_dir=tmp_path))
    found = set()
    for route in iter_route_contexts(app.routes):
        if isinstance(getattr(route, "original_route", route), Mount) or route.path in ("", None):
            continue  # the page's files, which the table is given by name
        methods = getattr(route, "methods", None)
        found |= {(method, route.path) for method in (methods or {WEBSOCKET})}
    assert found == set(ROUTES)


def test_what_is_not_in_the_table_is_not_there():
    table = RouteTable(["/", "/app.js"])
    for method, path in [
        ("GET", "/v2/new"),
        ("GET", "//v1/state"),
        ("GET", "/app.js/"),
        (WEBSOCKET, "/v1/state"),
        ("GET", "/v1/events\n"),
    ]:
        with pytest.raises(Refused) as refused:
            table.wanted(method, path)
        assert refused.value.code == "not-found"
    with pytest.raises(Refused) as refused:
        table.wanted("DELETE", "/v1/orders")
    assert refused.value.headers["Allow"] == "GET, POST"


def test_where_rows_overlap_the_higher_role_is_wanted():
    table = RouteTable([], {("GET", "/a/{id}"): Role.ADMIN, ("GET", "/a/b"): None})
    assert table.wanted("GET", "/a/b") is Role.ADMIN


def test_without_a_token_nothing_is_seen_or_moved(bridge):
    asked = [httpx.request(method, bridge.url + re.sub(r"{.*?}", "x", path))
             for (method, path), role in ROUTES.items() if role is not None and method != WEBSOCKET]  # fmt: skip
    assert {answer.status_code for answer in asked} == {401}
    assert {answer.json()["type"] for answer in asked} == {"urn:trunnion:problem:unauthenticated"}
    for path in ("/v1/events", f"/v1/events?access_token={bridge.token}"):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{bridge.port}{path}")
        assert refused.value.response.status_code == 401


def test_a_browser_s_websocket_may_carry_the_token_as_a_subprotocol_that_is_not_sent_back(bridge):
    url = f"ws://127.0.0.1:{bridge.port}/v1/events"
    with connect(url, subprotocols=["trunnion", f"bearer.{bridge.token}"], max_size=None) as listener:
        assert listener.subprotocol == "trunnion"
        assert json.loads(listener.recv(timeout=5))["type"] == "snapshot"


def test_a_cookie_looks_but_changes_nothing_unless_the_page_says_that_it_asks(bridge):
    with httpx.Client(base_url=bridge.url) as browser:
        session = browser.post("/v1/session")
        assert "HttpOnly" in session.headers["set-cookie"]
        assert "SameSite=strict" in session.headers["set-cookie"]
        assert "Secure" not in session.headers["set-cookie"]
        behind_tls = browser.post("/v1/session", headers={"Origin": bridge.url.replace("http:", "https:")})
        assert "Secure" in behind_tls.headers["set-cookie"]
        browser.cookies.clear()
        browser.post("/v1/session")
        assert browser.get("/v1/state").status_code == 200
        order = {"lines": [{"part": "nut", "quantity": 1}], "bin": "B"}
        assert browser.post("/v1/orders", json=order).status_code == 401
        assert browser.post("/v1/orders", json=order, headers={"Origin": bridge.url}).status_code == 201


def test_a_session_that_is_ended_opens_nothing_any_more_and_its_streams_end(bridge):
    headers = {"Authorization": f"Bearer {httpx.post(f'{bridge.url}/v1/session').json()['token']}"}
    with connect(
        f"ws://127.0.0.1:{bridge.port}/v1/events", additional_headers=headers, max_size=None
    ) as told:
        assert httpx.delete(f"{bridge.url}/v1/session", headers=headers).json() == {"id_token": None}

        assert httpx.get(f"{bridge.url}/v1/state", headers=headers).status_code == 401
        with pytest.raises(ConnectionClosed) as closed:
            until(lambda: told.recv(timeout=5) is None, within_s=10)
        assert closed.value.rcvd.code == 1008
    assert bridge.http.get("/v1/state").status_code == 200, "others go on"


def test_an_id_token_is_kept_for_the_end_of_the_session_and_seen_by_no_other_path(bridge):
    with httpx.Client(base_url=bridge.url, headers={"Origin": bridge.url}) as browser:
        for bad in ("a b", "a;b", "a\r\nb", "a" * 3501):
            assert browser.post("/v1/session", json={"id_token": bad}).status_code == 422
        opened = browser.post("/v1/session", json={"id_token": "ey.J.x"})
        (hint,) = [cookie for cookie in opened.headers.get_list("set-cookie") if "_hint" in cookie]
        assert "HttpOnly" in hint
        assert "Path=/v1/session;" in hint

        assert browser.delete("/v1/session").json() == {"id_token": "ey.J.x"}
        assert browser.delete("/v1/session").json() == {"id_token": None}


def test_a_token_of_the_bridge_before_is_worth_nothing(start_bridge, cell):
    with start_bridge() as bridge:
        before = dict(bridge.http.headers)
        bridge.stop()
    with start_bridge() as bridge:
        answer = bridge.http.get("/v1/state", headers={"Authorization": before["authorization"]})
        assert answer.status_code == 401


def test_the_kernel_tells_who_is_at_the_other_end_and_nothing_of_strangers():
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with (
            socket.create_server((host, 0), family=family) as server,
            socket.create_connection(server.getsockname()[:2]) as client,
        ):
            ours, theirs = client.getsockname()[:2], server.getsockname()[:2]
            assert user_of(ours, theirs) == os.getuid()
            assert user_of((host, 1), theirs) is None
    assert user_of(("no address", 1), ("127.0.0.1", 2)) is None
    assert user_of(("::1", 1), ("127.0.0.1", 2)) is None


def test_a_program_that_speaks_ipv4_through_a_socket_of_ipv6_is_known_too(the_bridge):
    """As those in Java do; and a bridge may listen on such a socket."""
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server,
        socket.create_connection(("127.0.0.1", server.getsockname()[1])) as client,
    ):
        accepted, theirs = server.accept()
        with accepted:
            assert theirs[0] == "::ffff:127.0.0.1"
            assert user_of(theirs[:2], accepted.getsockname()[:2]) == os.getuid()
            assert user_of(client.getsockname(), client.getpeername()) == os.getuid()
    with httpx.Client(base_url=f"http://[::ffff:127.0.0.1]:{the_bridge.port}") as dual_stack:
        assert dual_stack.post("/v1/session").status_code == 201
