"""What stands before the routes: foreign web sites, oversized bodies, and the clock of every request."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from trunnion_bridge.access.credentials import is_own
from trunnion_bridge.access.wanted import LOOKS
from trunnion_bridge.loopback import is_loopback
from trunnion_bridge.metrics import Metrics
from trunnion_bridge.problem import Refused, problem
from trunnion_bridge.settings import Settings

_log = logging.getLogger("trunnion.bridge")
_READING = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Refuses requests that a web site makes behind the back of the person who looks at it.

    On loopback the bridge answers to this machine's own names only, which stops another site's name from being pointed
    here; and a request that says which site it comes from must come from this one, or from one that is allowed by name.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refusal(Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(code=1008, reason=refused.code)(scope, receive, send)
        else:
            await problem(refused, scope["path"])(scope, receive, send)

    def _refusal(self, headers: Headers) -> Refused | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if is_loopback(self._settings.host) and not is_loopback(_host_name(f"//{host}")):
            return Refused(
                "foreign-host",
                where="Host",
                got=ascii(host),
                wanted="localhost or 127.0.0.1, because the bridge listens to this machine only",
                next_step="use one of those names, or a proxy that sets the Host header",
            )
        if origin is not None and not is_own(origin, host) and origin not in self._settings.allow_origins:
            return Refused(
                "foreign-origin",
                where="Origin",
                got=ascii(origin),
                wanted=f"no Origin, or http://{host}, or one that --allow-origin names",
                next_step="use the bridge's own page, or call the API from a program",
            )
        return None


class BodyLimit:
    """Refuses bodies of more than `max_bytes`, announced or not, before they are kept, and those that never end.

    Routes at the paths `except_for` take their bodies as they come, and limit them themselves.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, within_s: float, except_for: Collection[str] = ()
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._within_s = within_s
        self._except_for = except_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._except_for:
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._max_bytes:
            await problem(self._refused(f"{announced} bytes"), scope["path"])(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(self._read(receive), self._within_s)
        except ClientDisconnect:  # half of an order is none
            return
        except TimeoutError:
            await problem(self._too_slow(), scope["path"])(scope, receive, send)
        except Refused as refused:
            await problem(refused, scope["path"])(scope, receive, send)
        else:
            await self._app(scope, _again(body, receive), send)

    async def _read(self, receive: Receive) -> bytes:
        """The whole body."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._max_bytes:
                raise self._refused(f"more than {self._max_bytes} bytes")
        return body

    def _too_slow(self) -> Refused:
        return Refused(
            "too-slow",
            where="the body",
            got=f"no end within {self._within_s:g} s",
            wanted="all of it",
            next_step="send it faster",
            headers={"Connection": "close"},
        )

    def _refused(self, got: str) -> Refused:
        wanted, next_step = f"at most {self._max_bytes} bytes", "send a smaller order"
        headers = {"Connection": "close"}  # what comes of it yet is not read
        return Refused(
            "too-large", where="the body", got=got, wanted=wanted, next_step=next_step, headers=headers
        )


class RequestClock:
    """Measures how long requests take, by route; what changes something, or breaks, is a line of the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin_s = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A path that no route knows is not kept: callers could fill the memory with them.
                route = getattr(scope.get("route"), "path", "unknown")
                labels = (scope["method"], route, str(message["status"]))
                took_s = time.perf_counter() - begin_s
                self._metrics.request_s.labels(*labels).observe(took_s)
                is_look = scope["method"] in _READING or labels[:2] in LOOKS
                if not is_look or message["status"] >= 500:
                    _log.info("%s %s %s in %.0f ms", *labels, 1000 * took_s)
            await send(message)

        await self._app(scope, receive, timed)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read already, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed


def _host_name(address: str) -> str:
    """The name in `host:port`; empty for what is not an address."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
