"""Connections are counted, and whoever is slow to say what they want holds one for a moment only."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import closing

import httpx
import pytest
import uvicorn
from tests.bridge.answer_headers import ALWAYS
from tests.bridge.running import a_free_port, until

from trunnion_bridge.access.limits import Limits
from trunnion_bridge.answers import Answers
from trunnion_bridge.connections import Connections
from trunnion_bridge.correlation import RequestId
from trunnion_bridge.guard import BodyLimit

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


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
            log_config=None, timeout_keep_alive=limits.idle_s,
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
    heard, lasted_s = patient.say(
        HEAD + b"Content-Length: 1\r\n\r\nx", HEAD, *[b"X: y\r\n"] * 100, every_s=0.1
    )

    assert heard.startswith(b"HTTP/1.1 200")
    assert b"urn:trunnion:problem:too-slow" in heard
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
