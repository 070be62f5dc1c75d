"""An ERP in small: posts an order to the bridge, hears of it by webhook, and books the end in SQLite.

    python erp.py --order 4711 --line gear=2 --line bolt=1 --bin B

ends with 0 when the order has succeeded and is booked, with 1 when it ended otherwise. Run again with the same order,
it orders nothing twice, also when it was killed in between: the number of the order is the Idempotency-Key.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from webhook_inbox import Inbox, Refused

BODY_MAX = 1 << 20
ENDS = ("succeeded", "failed", "cancelled")
TABLES = """
CREATE TABLE IF NOT EXISTS bookings
    (order_id TEXT PRIMARY KEY, sequence TEXT, state TEXT, sorted INTEGER, message TEXT);
CREATE TABLE IF NOT EXISTS webhook (id TEXT, url TEXT, secret TEXT);
"""


class Erp:
    """The books. One thread writes at a time."""

    def __init__(self, path: str) -> None:
        os.close(os.open(path, os.O_CREAT, 0o600))  # it holds the secret
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(TABLES)
        self._turn = threading.Lock()
        self.news = threading.Event()

    def subscribe(self, bridge: httpx.Client, url: str) -> None:
        """Have the bridge send to `url`, once: the secret is shown once, and kept."""
        known = self._database.execute("SELECT id, secret FROM webhook WHERE url = ?", (url,)).fetchone()
        if known and bridge.get(f"/v1/webhooks/{known[0]}").status_code == 200:
            self.inbox = Inbox(known[1], self._database)
            return
        made = bridge.post("/v1/webhooks", json={"url": url}).raise_for_status().json()
        with self._database:
            self._database.execute("INSERT INTO webhook VALUES (?, ?, ?)", (made["id"], url, made["secret"]))
        self.inbox = Inbox(made["secret"], self._database)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """A message from outside; Refused when it is not to be trusted."""
        with self._turn:
            self.inbox.take(headers, body, self._book)
        self.news.set()

    def booked(self, order_id: str) -> tuple[str, int, str] | None:
        """State, sorted parts and message of an order."""
        with self._turn:
            query = "SELECT state, sorted, message FROM bookings WHERE order_id = ?"
            found: tuple[str, int, str] | None = self._database.execute(query, (order_id,)).fetchone()
        return found

    def _book(self, event: dict[str, Any]) -> None:
        """Each event tells the whole order; one that comes late, as a dead letter sent again, tells nothing new."""
        if not event["type"].startswith("trunnion.order."):
            return
        order = event["data"]
        self._database.execute(
            "INSERT INTO bookings VALUES (?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET "
            "sequence = excluded.sequence, state = excluded.state, sorted = excluded.sorted, "
            "message = excluded.message "
            "WHERE excluded.sequence > bookings.sequence",
            (order["id"], event["sequence"], order["state"], order["sorted"], order["message"]),
        )


def listen(erp: Erp, port: int) -> ThreadingHTTPServer:
    """Answer the bridge: 204 for what is booked, 401 for what is not to be trusted."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > BODY_MAX:
                self._answer(413)
                return
            try:
                erp.take(dict(self.headers.items()), self.rfile.read(int(length)))
            except Refused:
                self._answer(401)
            else:
                self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def sign_in(bridge: httpx.Client) -> None:
    """With TRUNNION_TOKEN; without it as the user who runs a bridge in development."""
    token = os.environ.get("TRUNNION_TOKEN") or bridge.post("/v1/session").raise_for_status().json()["token"]
    bridge.headers["Authorization"] = f"Bearer {token}"


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description="An ERP in small")
    parser.add_argument("--bridge", default="http://127.0.0.1:8080", metavar="URL")
    parser.add_argument("--port", type=int, default=9000, help="where webhooks come (default: %(default)s)")
    parser.add_argument("--books", default="erp.db", help="the ERP's SQLite file (default: %(default)s)")
    parser.add_argument("--order", required=True, help="the ERP's own number of the order")
    parser.add_argument("--line", action="append", required=True, type=order_line, metavar="PART=QUANTITY")
    parser.add_argument("--bin", required=True)
    given = parser.parse_args()
    try:
        return order(given)
    except httpx.HTTPStatusError as error:
        print(f"{given.bridge} answered {error.response.status_code}: {error.response.text}", file=sys.stderr)
        return 2
    except httpx.TransportError as error:
        print(f"{given.bridge}: {error}. Next: start the bridge, or name another --bridge", file=sys.stderr)
        return 3


def order_line(given: str) -> dict[str, str | int]:
    """A line of the order; argparse says what is wrong with one that is none."""
    part, _, quantity = given.partition("=")
    return {"part": part, "quantity": int(quantity)}


def order(given: argparse.Namespace) -> int:
    """Place the order, and return the exit code when it has ended."""
    erp = Erp(given.books)
    with httpx.Client(base_url=given.bridge, timeout=10.0) as bridge:
        sign_in(bridge)
        erp.subscribe(bridge, f"http://127.0.0.1:{given.port}/trunnion")
        listen(erp, given.port)
        posted = bridge.post(
            "/v1/orders",
            json={"lines": given.line, "bin": given.bin},
            headers={"Idempotency-Key": f"erp-{given.order}"},
        ).raise_for_status().json()  # fmt: skip
    print(f"order {given.order} is {posted['id']}", flush=True)
    while not (booked := erp.booked(posted["id"])) or booked[0] not in ENDS:
        erp.news.wait()
        erp.news.clear()
    state, sorted_parts, message = booked
    print(f"order {given.order} {state}: {sorted_parts} parts booked ({message})")
    return 0 if state == "succeeded" else 1


if __name__ == "__main__":
    sys.exit(main())
