"""A receiver of webhooks: keeps what comes, answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    """One message."""

    headers: dict[str, str]
    body: str

    @property
    def event(self) -> dict[str, Any]:
        """The CloudEvent."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """`answer` gives the status for each message, and may take its time."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.messages: list[Received] = []
        self.taken: list[Received] = []
        self.answer: Callable[[Received], int] = lambda _: 204
        self.answer_headers: dict[str, str] = {}

    def types(self) -> list[str]:
        """The types of the events that were taken, in the order in which they came."""
        return [message.event["type"].removeprefix("trunnion.order.") for message in self.taken]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A bridge that is killed in the middle of a message is no news."""


@contextmanager
def running_receiver(port: int = 0) -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            message = Received({key.lower(): value for key, value in self.headers.items()}, body)
            receiver.messages.append(message)
            status = receiver.answer(message)
            if status < 300:
                receiver.taken.append(message)
            self.send_response(status)
            for name, value in receiver.answer_headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", port), Handler) as server:
        receiver = Receiver(server.server_address[1])
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield receiver
        finally:
            server.shutdown()
