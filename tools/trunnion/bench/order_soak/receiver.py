"""A receiver of webhooks as receivers are: `python -m trunnion.bench.order_soak.receiver FOLDER`.

It notes each message before it answers, refuses some, leaves some that it took without an answer, and is slow now and
then. What it noted stays whatever becomes of it.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from standardwebhooks import Webhook, WebhookVerificationError

from trunnion.bench.order_soak.journal import Journal
from trunnion.bench.order_soak.subscription import subscription

HEARD = "heard"
_REFUSED, _SLOW, _SILENT = 0.02, 0.01, 0.01
_SLOW_S = 1.0


class Answer(NamedTuple):
    """What a message is answered with, and after how long; `status` None: the connection ends without an answer."""

    status: int | None
    after_s: float = 0.0


class Inbox:
    """Notes what comes as `VERDICT MESSAGE_ID`; the verdict is taken, refused or forged."""

    def __init__(self, secret: str, journal: Journal, rng: random.Random) -> None:
        self._webhook = Webhook(secret)
        self._journal = journal
        self._rng = rng

    def take(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Note a message and say what it is answered with; names of `headers` are in small letters."""
        message_id = headers.get("webhook-id", "")
        if not self._is_genuine(message_id, headers, body):
            self._journal.write("forged -")
            return Answer(401)
        chance = self._rng.random()
        if chance < _REFUSED:
            self._journal.write(f"refused {message_id}")
            return Answer(500)
        self._journal.write(f"taken {message_id}")
        if chance < _REFUSED + _SILENT:
            return Answer(None)
        return Answer(204, _SLOW_S if chance < _REFUSED + _SILENT + _SLOW else 0.0)

    def _is_genuine(self, message_id: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Signed, of this moment, and about what its id says."""
        try:
            event = self._webhook.verify(body, dict(headers))
        except (WebhookVerificationError, ValueError):
            return False
        return bool(event["id"] == message_id == f"{event['data']['id']}.{event['data']['event']}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A bridge that is killed in the middle of a message is no news."""


def server(port: int, inbox: Inbox) -> ThreadingHTTPServer:
    """Receives into the inbox while it serves; use it with `with`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # the bridge was killed in the middle of it: no message at all
                self.close_connection = True
                return
            answer = inbox.take({name.lower(): value for name, value in self.headers.items()}, body)
            time.sleep(answer.after_s)
            if answer.status is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return _Server(("127.0.0.1", port), Handler)


def main() -> None:
    """Receive what the soak in FOLDER has subscribed to."""
    folder = Path(sys.argv[1])
    given = subscription(folder)
    with Journal(folder / HEARD) as journal:
        inbox = Inbox(given.secret, journal, random.Random())
        with server(given.port, inbox) as receiving:
            receiving.serve_forever()


if __name__ == "__main__":
    main()
