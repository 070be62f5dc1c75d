"""No caller can take more than a share: requests, connections, streams, and the time to say what they want."""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time
from contextlib import ExitStack, closing

import httpx
import pytest
import uvicorn
from tests.bridge.running import a_free_port, running_bridge, until
from websockets.exceptions import InvalidStatus

from trunnion_bridge.access.bucket import Bucket, Buckets
from trunnion_bridge.access.limits import Limits, add_limit_options, limits_of, origins_of
from trunnion_bridge.access.neighbour import network_of
from trunnion_bridge.access.pace import Pace
from trunnion_bridge.answers import Answers
from trunnion_bridge.connections import Connections
from trunnion_bridge.correlation import RequestId
from trunnion_bridge.guard import BodyLimit
from trunnion_bridge.problem import Refused
from trunnion_contract.errors import BadInput

PORTAL = "https://portal.example"
ALWAYS = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
    "cache-control",
}


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


def test_connections_are_counted_for_all_and_for_each_address():
    connections = Connections(Limits(connections_max=5))

    taken = [connections.enter(number, "192.0.2.1") for number in range(5)]
    assert [refused.code if refused else None for refused in taken] == [None] * 4 + ["too-many-connections"]
    assert connections.enter(5, "192.0.2.2") is None
    assert connections.enter(6, "192.0.2.3").where == "the connections of all callers"
    for number in (*range(7), *range(7)):
        connections.leave(number)
    assert len(connections) == 0
    assert connections.enter(7, "192.0.2.1") is None


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


class PatientServer:
    """A server with limits that a test can wait for, before an application that says how much it got."""

    def __init__(self):
        limits = Limits(head_within_s=1, body_within_s=1, head_max_bytes=8192, read_within_s=1, idle_s=3)
        self.refused = []
        self.connections = Connections(limits, self.refused.append)
        self.port = a_free_port()
        app = RequestId(Answers(BodyLimit(self.app, max_bytes=1000, within_s=limits.body_within_s)))
        config = uvicorn.Config(
            app, port=self.port, http=self.connections.http(), ws=self.connections.websocket(), lifespan="off",
            log_config=None, timeout_keep_alive=round(limits.idle_s),
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)

    @staticmethod
    async def app(scope, receive, send):
        body = (await receive())["body"]
        if scope["path"] == "/broken":
            raise RuntimeError("as a fault of ours would be")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000 if scope["path"] == "/much" else 0):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        await send({"type": "http.response.body", "body": str(len(body)).encode()})

    def say(self, *pieces, every_s=0.0):
        """Send pieces one after the other; all that came back, and how long the connection lasted."""
        begin_s = time.monotonic()
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=10)) as client:
            threading.Thread(target=self._send, args=(client, pieces, every_s), daemon=True).start()
            heard = b""
            try:
                while piece := client.recv(65536):
                    heard += piece
            except ConnectionError:
                pass
            return heard, time.monotonic() - begin_s

    @staticmethod
    def _send(client, pieces, every_s):
        try:
            for piece in pieces:
                client.sendall(piece)
                time.sleep(every_s)
        except OSError:
            return


@pytest.fixture(scope="module")
def patient():
    started = PatientServer()
    started.thread.start()
    until(lambda: started.server.started)
    yield started
    started.server.should_exit = True
    started.thread.join()


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ((), b"408"),
        ((HEAD,), b"408"),
        ((HEAD, *[b"X: y\r\n"] * 100), b"408"),
        ((HEAD + b"Content-Length: 500\r\n\r\n", *[b"x"] * 100), b"408"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 100), b"408"),
    ],
)
def test_a_slow_caller_holds_a_connection_for_a_moment_only(patient, pieces, status):
    heard, lasted_s = patient.say(*pieces, every_s=0.1)

    assert heard.startswith(b"HTTP/1.1 " + status)
    assert b"urn:trunnion:problem:too-slow" in heard
    assert 0.9 < lasted_s < 4
    until(lambda: not len(patient.connections), within_s=5)


def test_a_connection_that_had_its_answer_must_come_to_the_next_request_in_time(patient):
    heard, lasted_s = patient.say(HEAD + b"Content-Length: 1\r\n\r\nx", *[b"P"] * 100, every_s=0.1)

    assert heard.startswith(b"HTTP/1.1 200")
    assert lasted_s < 4


def test_a_connection_that_is_idle_stays_for_longer_than_a_head_may_take_and_ends_without_a_word(patient):
    heard, lasted_s = patient.say(HEAD + b"Content-Length: 1\r\n\r\nx")

    assert heard.count(b"HTTP/1.1") == 1
    assert lasted_s > 2.9


def test_who_asks_again_after_a_while_gets_an_answer(patient):
    heard, _ = patient.say(*[HEAD + b"Content-Length: 1\r\n\r\nx"] * 3, every_s=1.5)

    assert heard.count(b"HTTP/1.1 200") == 3


def test_the_bridge_keeps_a_connection_longer_than_clients_and_proxies_do():
    assert Limits().idle_s > 60


def test_a_caller_who_does_not_read_the_answer_is_let_go(patient):
    with closing(socket.create_connection(("127.0.0.1", patient.port))) as client:
        client.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: len(patient.connections) == 1, within_s=5)
        until(lambda: not len(patient.connections), within_s=5)


@pytest.mark.parametrize(
    ("piece", "status", "code"),
    [
        (HEAD + b"X: " + b"y" * 20_000, b"431", b"head-too-large"),
        (HEAD + b"X: y\r\n" * 5000, b"431", b"head-too-large"),
        (b"GET /" + b"y" * 20_000, b"431", b"head-too-large"),
        (HEAD + b"Content-Length: 5000\r\n\r\n", b"413", b"too-large"),
        (b"what is this?\r\n\r\n", b"400", b"malformed"),
        (HEAD + b"X: a\x00b\r\n\r\n", b"400", b"malformed"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400", b"malformed"),
        (HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400", b"malformed"),
    ],
)
def test_what_is_no_request_is_refused_as_a_problem_with_every_header(patient, piece, status, code):
    heard, _ = patient.say(piece)

    head, _, body = heard.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert json.loads(body)["type"].endswith(code.decode())
    names = {line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n")[1:]}
    assert names >= {*ALWAYS, "connection", "content-type", "content-length", "x-request-id"}


def test_an_answer_to_what_broke_is_a_problem_with_every_header_and_the_request_s_id(patient):
    answer = httpx.get(f"http://127.0.0.1:{patient.port}/broken", headers={"X-Request-ID": "r-1"})

    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert set(answer.headers) >= ALWAYS
    assert answer.headers["X-Request-ID"] == "r-1"
    assert (answer.json()["type"], answer.json()["got"]) == ("urn:trunnion:problem:broken", "RuntimeError")
    assert "request r-1" in answer.json()["next"]
    assert "a fault of ours" not in answer.text


def test_what_never_became_a_request_is_counted_by_its_reason(patient):
    before = len(patient.refused)

    patient.say(b"what is this?\r\n\r\n")
    patient.say(HEAD + b"X: " + b"y" * 20_000)

    assert patient.refused[before:] == ["malformed", "head-too-large"]


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
