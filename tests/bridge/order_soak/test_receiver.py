"""The receiver of a soak notes what is signed and about what it says, and fails now and then."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections import Counter
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from trunnion.bench.order_soak.journal import Journal, lines_of
from trunnion.bench.order_soak.receiver import Inbox, server

SECRET = "whsec_" + "c29hayBvZiBvcmRlcnMgYW5kIHdlYmhvb2tzIHdpdGg="
BODY = json.dumps({"id": "a.1", "data": {"id": "a", "event": 1}})


class Steady:
    """A chance that always is the same."""

    def __init__(self, value):
        self._value = value

    def random(self):
        return self._value


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "heard") as opened:
        yield opened


def signed(message_id="a.1", body=BODY, secret=SECRET):
    now = datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }


@pytest.mark.parametrize(
    ("chance", "line", "status"),
    [(0.0, "refused a.1", 500), (0.025, "taken a.1", None), (0.5, "taken a.1", 204)],
)
def test_a_message_is_noted_before_it_is_answered(journal, tmp_path, chance, line, status):
    answer = Inbox(SECRET, journal, Steady(chance)).take(signed(), BODY.encode())
    assert (lines_of(tmp_path / "heard"), answer.status) == ([line], status)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(secret="whsec_" + "c29tZWJvZHkgZWxzZSBhbHRvZ2V0aGVyIHNpZ25zIGl0"),
        signed("a.2"),
        {**signed(), "webhook-id": "b.1"},
    ],
)
def test_what_the_bridge_has_not_signed_or_is_about_something_else_is_forged(journal, tmp_path, headers):
    assert Inbox(SECRET, journal, Steady(0.5)).take(headers, BODY.encode()).status == 401
    assert lines_of(tmp_path / "heard") == ["forged -"]


def test_it_fails_in_each_way_and_mostly_does_not(journal):
    inbox, headers = Inbox(SECRET, journal, random.Random(0)), signed()
    answers = Counter(inbox.take(headers, BODY.encode()) for _ in range(1000))
    assert answers[(204, 0.0)] > 900
    assert {(500, 0.0), (None, 0.0), (204, 1.0)} < set(answers)


@pytest.mark.parametrize(("sent", "lines"), [(len(BODY), ["taken a.1"]), (len(BODY) // 2, [])])
def test_a_message_that_a_kill_cut_short_is_none(journal, tmp_path, sent, lines):
    head = "".join(f"{name}: {value}\r\n" for name, value in signed().items())
    request = f"POST / HTTP/1.1\r\n{head}Content-Length: {len(BODY)}\r\n\r\n{BODY[:sent]}"
    with server(0, Inbox(SECRET, journal, Steady(0.5))) as receiving:
        threading.Thread(target=receiving.serve_forever, args=(0.02,), daemon=True).start()
        with socket.create_connection(receiving.server_address) as sender:
            sender.sendall(request.encode())
            sender.shutdown(socket.SHUT_WR)
            while sender.recv(4096):
                pass
        receiving.shutdown()
    assert lines_of(tmp_path / "heard") == lines
