"""Talking to the bridge: place an order, follow it, look at the cell."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from trunnion.assignments import assignments
from trunnion_contract.errors import BadInput, Broken, ExitCode, TrunnionError

Lines = list[dict[str, Any]]
TOKEN_VARIABLE = "TRUNNION_TOKEN"
ENDED = ("succeeded", "failed", "cancelled")
_POLL_S = 0.25
_SILENCE_MAX_S = 15.0


class Bridge:
    """The bridge at a URL; use it with `with`.

    The token is that in the variable TRUNNION_TOKEN; without one the bridge is asked for its own, which it gives in
    development mode to the user who runs it.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(base_url=self.url, timeout=10.0, trust_env=False)
        if token := os.environ.get(TOKEN_VARIABLE):
            self._client.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def place(self, lines: Lines, bin_name: str) -> dict[str, Any]:
        """Post an order.

        Raises:
            BadInput: the bridge refuses it, and says why.
            Broken: nobody answers.
        """
        return self._ask("POST", "/v1/orders", {"lines": lines, "bin": bin_name})

    def order(self, order_id: str) -> dict[str, Any]:
        """An order with its events."""
        return self._ask("GET", f"/v1/orders/{order_id}")

    def state(self) -> dict[str, Any]:
        """The cell as it is now."""
        return self._ask("GET", "/v1/state")

    def follow(self, order_id: str, show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Show the order whenever it changed, until it has ended; outlasts a bridge that is away for a moment."""
        seen, heard_s = None, time.monotonic()
        while True:
            try:
                order = self.order(order_id)
                heard_s = time.monotonic()
            except Broken:
                if time.monotonic() - heard_s > _SILENCE_MAX_S:
                    raise
                time.sleep(_POLL_S)
                continue
            if order != seen:
                show(order)
                seen = order
            if order["state"] in ENDED:
                return order
            time.sleep(_POLL_S)

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, json=body)
            # Also when the bridge was started anew: its own tokens end with it.
            if response.status_code == httpx.codes.UNAUTHORIZED and TOKEN_VARIABLE not in os.environ:
                response = self._client.post("/v1/session")
                if response.is_success:
                    self._client.headers["Authorization"] = f"Bearer {response.json()['token']}"
                    response = self._client.request(method, path, json=body)
            answer: dict[str, Any] = response.json()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise BadInput(
                where="--url", got=self.url, wanted=f"a URL ({error})", next_step="correct it"
            ) from None
        except (httpx.HTTPError, ValueError) as error:
            raise Broken(
                where=self.url,
                got=f"no answer from a bridge ({type(error).__name__})",
                wanted="a running cell",
                next_step="start it with trunnion up, or name its address with --url",
            ) from None
        if response.is_error:
            raise _refusal(response.status_code, answer, self.url)
        return answer


def _refusal(status: int, problem: dict[str, Any], url: str) -> TrunnionError:
    kind = BadInput if 400 <= status < 500 else Broken
    parts = {name: str(problem.get(name, "")) for name in ("where", "got", "wanted", "next")}
    if not parts["where"]:
        parts = {
            "where": url,
            "got": f"HTTP {status}",
            "wanted": "an answer of a bridge",
            "next": "check --url",
        }
    return kind(where=parts["where"], got=parts["got"], wanted=parts["wanted"], next_step=parts["next"])


def order_lines(words: Iterable[str]) -> Lines:
    """`gear=2` as a line of an order; whether the cell has such parts, and so many, is for the bridge to say."""
    return [
        {"part": part, "quantity": _whole(part, text)} for part, text in assignments(words, "order").items()
    ]


def _whole(part: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        next_step = f"write for example {part}=2"
        raise BadInput(
            where=f"order: {part}", got=f"'{text}'", wanted="a whole number", next_step=next_step
        ) from None


def place_and_follow(console: Console, url: str, lines: Lines, bin_name: str, wait: bool) -> ExitCode:
    """Place the order; with `wait`, show how it goes and tell by the exit code how it ended."""
    with Bridge(url) as bridge:
        order = bridge.place(lines, bin_name)
        console.print(f"order {order['id']}: {order['state']}", highlight=False)
        if not wait:
            return ExitCode.OK
        return print_end(console, bridge.follow(order["id"], OrderLines(console)))


def print_end(console: Console, order: dict[str, Any]) -> ExitCode:
    """One line about how the order ended."""
    good = order["state"] == "succeeded"
    colour = "green" if good else "bold red"
    text = f"[{colour}]order {order['state']}[/]: {order['sorted']} of {order['requested']} parts in bin {order['bin']}"
    console.print(text if good else f"{text}; {order['message']}", highlight=False)
    return ExitCode.OK if good else ExitCode.GATES_FAILED


class OrderLines:
    """Prints each piece of news of an order once, with the seconds since it was placed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0
        self._last = ""
        self._began_s = time.monotonic()

    def __call__(self, order: dict[str, Any]) -> None:
        """Print what `order` has in its history beyond what was printed."""
        for event in order["events"][self._shown :]:
            news = f"{event['sorted']} of {order['requested']}  {event['message']}"
            if news != self._last:
                self._console.print(f"  {time.monotonic() - self._began_s:5.1f} s  {news}", highlight=False)
            self._last = news
        self._shown = len(order["events"])


def print_status(console: Console, url: str) -> ExitCode:
    """The nodes in a table, then arm, camera and orders in a line each; exit code 1 when a node is not well."""
    with Bridge(url) as bridge:
        state = bridge.state()
    table = Table("node", "state", "message")
    for node in state["nodes"]:
        table.add_row(node["name"], node["state"], node["message"])
    console.print(table)
    console.print("\n".join(_status_lines(state)), highlight=False)
    well = all(node["state"] in ("ok", "warn") for node in state["nodes"])
    return ExitCode.OK if well else ExitCode.GATES_FAILED


def _status_lines(state: dict[str, Any]) -> Iterable[str]:
    bundle, arm, camera, order = (state[name] for name in ("bundle", "arm", "camera", "order"))
    yield f"bundle  {bundle['name']} {bundle['version']} ({bundle['digest'][:12]}): {', '.join(bundle['parts'])}"
    hold = f", {arm['hold_reason']}" if arm["hold_reason"] else ""
    yield f"arm     {arm['mode'] or 'unknown'}{hold}" if arm["here"] else "arm     silent"
    yield f"camera  {camera['rate_hz']:.1f} images/s" if camera["here"] else "camera  silent"
    if order:
        yield f"order   {order['id']}: {order['state']}, {order['sorted']} of {order['requested']}, {order['message']}"
    yield f"queued  {state['queued']}"
