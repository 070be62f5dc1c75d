"""No caller can take more than a share: of requests, connections and streams."""

from __future__ import annotations

import argparse
import json
import socket
from contextlib import ExitStack, closing

import httpx
import pytest
from tests.bridge.answer_headers import ALWAYS
from tests.bridge.running import a_free_port, running_bridge, until
from websockets.exceptions import InvalidStatus

from trunnion_bridge.access.bucket import Bucket, Buckets
from trunnion_bridge.access.limits import Limits, add_limit_options, limits_of, origins_of
from trunnion_bridge.access.neighbour import network_of
from trunnion_bridge.access.pace import Pace
from trunnion_bridge.problem import Refused
from trunnion_contract.errors import BadInput

PORTAL = "https://portal.example"


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def test_a_bucket_gives_so_many_at_once_and_so_many_a_second():
    clock = Clock()
    bucket = Bucket(10, 20, clock)

    assert sum(bucket.take() for _ in range(100)) == 20
    assert bucket.wait_s() == pytest.approx(0.1)
    clock.now_s = 1.0
    assert sum(bucket.take() for _ in range(100)) == 10
    clock.now_s = 1e6
    assert sum(bucket.take() for _ in range(100)) == 20


def test_callers_do_not_take_from_each_other_and_what_is_kept_of_them_has_a_bound():
    buckets = Buckets(1, 1, kept_max=100, clock=Clock())

    assert all(buckets.of(caller).take() for caller in range(1000))

    assert len(buckets) == 100
    assert not buckets.of(999).take()


def test_who_asks_too_fast_is_told_when_to_go_on():
    pace = Pace(Limits(rate_per_s=2), Clock())
    for _ in range(4):
        pace.check("ada")

    with pytest.raises(Refused) as refused:
        pace.check("ada")

    assert refused.value.code == "too-many-requests"
    assert refused.value.headers == {"Retry-After": "1"}
    pace.check("bob")


def test_streams_are_counted_while_they_last():
    pace = Pace(Limits(streams_max=2))
    for _ in range(3):
        with (
            pace.stream("ada"),
            pace.stream("ada"),
            pace.stream("bob"),
            pytest.raises(Refused),
            pace.stream("ada"),
        ):
            pass


def test_origins_are_written_as_browsers_do():
    given = argparse.Namespace(allow_origin=["https://Portal.example:443", "http://a.example:8080"])
    assert origins_of(given) == ("https://portal.example", "http://a.example:8080")


def test_one_subscriber_is_one_address():
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
    assert network_of("") == ""


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["--rate-per-s", "0"], "--rate-per-s"),
        (["--rate-per-s", "nan"], "--rate-per-s"),
        (["--connections-max", "-1"], "--connections-max"),
        (["--allow-origin", "*"], "--allow-origin"),
        (["--allow-origin", "null"], "--allow-origin"),
        (["--allow-origin", "https://portal.example/"], "--allow-origin"),
        (["--allow-origin", "https://u@portal.example"], "--allow-origin"),
        (["--allow-origin", "https://portal.example:x"], "--allow-origin"),
    ],
)
def test_limits_that_cannot_be_are_refused(arguments, where):
    parser = argparse.ArgumentParser()
    add_limit_options(parser)
    given = parser.parse_args(arguments)

    with pytest.raises(BadInput) as refused:
        limits_of(given), origins_of(given)
    assert refused.value.where == where


@pytest.fixture(scope="module")
def strict(ros_process_environment, bundle, tmp_path_factory):
    """A bridge that gives little."""
    arguments = (
        "--rate-per-s",
        "30",
        "--connections-max",
        "10",
        "--streams-max",
        "2",
        "--allow-origin",
        PORTAL,
    )
    place = tmp_path_factory.mktemp("strict") / "data"
    with running_bridge(ros_process_environment, bundle, place, a_free_port(), *arguments) as bridge:
        yield bridge


def test_every_answer_has_every_header(strict):
    asked = {
        "page": strict.http.get("/"),
        "file": strict.http.get("/app.js"),
        "not there": strict.http.get("/none"),
        "not allowed": strict.http.put("/v1/orders"),
        "not known": httpx.get(f"{strict.url}/v1/state"),
        "foreign": strict.http.get("/v1/state", headers={"Origin": "https://evil.example"}),
        "other host": strict.http.get("/v1/state", headers={"Host": "evil.example"}),
        "invalid": strict.http.post("/v1/orders", json={}),
        "too large": strict.http.post("/v1/orders", content=b" " * 100_000),
        "video": strict.http.get("/v1/camera.jpg"),
        "state": strict.http.get("/v1/state"),
    }
    assert [what for what, answer in asked.items() if not set(answer.headers) >= ALWAYS] == []
    assert until(lambda: measured(strict))['trunnion_refused_total{code="too-large"}'] >= 1
    assert asked["page"].headers["content-security-policy"].startswith("default-src 'self'")


def test_streams_and_connections_of_one_caller_have_a_bound_and_come_back(strict):
    strict.http.close()
    strict.http = httpx.Client(base_url=strict.url, headers=strict.http.headers)
    with ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(strict.connect("/v1/events", max_size=None)).recv(timeout=5)
        with pytest.raises(InvalidStatus) as refused:
            strict.connect("/v1/events")
        assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (
            429,
            "5",
        )
        idle = [
            opened.enter_context(closing(socket.create_connection(("127.0.0.1", strict.port))))
            for _ in range(9)
        ]
        refused = [said for client in idle if (said := heard(client)).startswith(b"HTTP/1.1 503")]
        assert refused
        head, _, body = refused[0].partition(b"\r\n\r\n")
        headers = {line.partition(":")[0].lower() for line in head.decode().split("\r\n")[1:]}
        assert headers >= {*ALWAYS, "retry-after", "x-request-id"}
        assert b"content-type: application/problem+json" in head.lower()
        assert json.loads(body)["type"] == "urn:trunnion:problem:too-many-connections"
    until(lambda: httpx.get(f"{strict.url}/healthz").status_code == 200, within_s=5)
    with strict.connect("/v1/events", max_size=None) as again:
        again.recv(timeout=5)
    told = until(lambda: measured(strict))
    for code in ("too-many-streams", "too-many-connections"):
        assert told[f'trunnion_refused_total{{code="{code}"}}'] >= 1


def heard(client):
    client.settimeout(0.2)
    try:
        return client.recv(65536)
    except TimeoutError:
        return b""


def test_only_a_site_that_is_named_may_call_and_only_with_a_token(strict):
    asks = {"Origin": PORTAL, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(
        f"{strict.url}/v1/orders",
        headers={**asks, "Access-Control-Request-Headers": "authorization, content-type"},
    )
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (200, PORTAL)
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    assert (
        httpx.options(
            f"{strict.url}/v1/orders", headers={**asks, "Origin": "https://evil.example"}
        ).status_code
        == 403
    )

    answer = strict.http.get("/v1/state", headers={"Origin": PORTAL})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, PORTAL)
    unknown = httpx.get(f"{strict.url}/v1/state", headers={"Origin": PORTAL})
    assert (unknown.status_code, unknown.headers["Access-Control-Allow-Origin"]) == (401, PORTAL)
    with httpx.Client(base_url=strict.url) as browser:
        browser.post("/v1/session")
        assert browser.get("/v1/state").status_code == 200
        assert browser.get("/v1/state", headers={"Origin": PORTAL}).status_code == 401
    with strict.connect("/v1/events", max_size=None, origin=PORTAL) as told:
        assert json.loads(told.recv(timeout=5))["type"] == "snapshot"
    for origin in ("https://evil.example", f"{PORTAL}.evil.example", "https://portal.example:444"):
        with pytest.raises(InvalidStatus):
            strict.connect("/v1/events", origin=origin)


def test_who_asks_too_fast_gets_429_and_others_do_not(strict):
    slowed = until(lambda: slow([strict.http.get("/v1/state") for _ in range(40)]))

    assert slowed.json()["type"] == "urn:trunnion:problem:too-many-requests"
    assert slowed.headers["Retry-After"] == "1"
    told = until(lambda: measured(strict))
    assert told['trunnion_refused_total{code="too-many-requests"}'] >= 1
    assert 1 <= told["trunnion_connections"] <= 10
    assert httpx.get(f"{strict.url}/healthz").status_code == 200


def measured(bridge):
    """What Prometheus would read, by its name and labels; None while it is refused."""
    answer = bridge.http.get("/metrics")
    rows = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in rows} if answer.status_code == 200 else None


def slow(answers):
    return next((answer for answer in answers if answer.status_code == 429), None)


def test_without_a_named_site_nothing_is_open_to_others(the_bridge):
    answer = the_bridge.http.options(
        "/v1/orders", headers={"Origin": PORTAL, "Access-Control-Request-Method": "POST"}
    )
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
