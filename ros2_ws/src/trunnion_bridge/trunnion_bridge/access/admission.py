"""Lets in who may: before any route is reached, the caller is known and has the role that the table wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from trunnion_bridge.access import topics
from trunnion_bridge.access.access import Access, check_area, check_role
from trunnion_bridge.access.credentials import SUBPROTOCOL
from trunnion_bridge.access.neighbour import network_of
from trunnion_bridge.access.pace import Pace
from trunnion_bridge.access.roles import Caller
from trunnion_bridge.access.tokens import LEEWAY_S
from trunnion_bridge.access.topics import check_topics, topics_of
from trunnion_bridge.access.wanted import ANYONE, WEBSOCKET, RouteTable, area_of
from trunnion_bridge.problem import Refused, problem

_STREAMS = ("/v1/camera.mjpeg", "/v1/events")
_POLICY_VIOLATION = 1008
_LOOK_S = 2.0  # how often a stream looks whether its caller is still let in


class Admission:
    """Puts the Caller into `request.state.caller`; None where anyone may come."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        pace: Pace,
        page_files: Iterable[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._pace = pace
        self._clock = clock
        self._access = access
        self._table = RouteTable(page_files)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        is_stream = scope["type"] == "websocket" or scope["path"] in _STREAMS
        with ExitStack() as counted:
            try:
                caller = await self._admitted(scope)
                if is_stream and caller:
                    counted.enter_context(self._pace.stream((caller.via, caller.name)))
            except Refused as refused:
                await refuse(refused, scope, receive, send)
                return
            if is_stream and caller:
                await self._until_expiry(caller, scope, receive, _with_subprotocol(scope, send))
            else:
                await self._app(scope, receive, send)

    async def _admitted(self, scope: Scope) -> Caller | None:
        method = WEBSOCKET if scope["type"] == "websocket" else scope["method"]
        scope.setdefault("state", {})["caller"] = None
        address = network_of((scope.get("client") or ("",))[0])
        try:
            wanted = self._table.wanted(method, scope["path"])
        except Refused:
            self._pace.check(address)
            raise
        if wanted is ANYONE:
            self._pace.check(address)
            return None
        try:
            caller = await self._access.caller(HTTPConnection(scope))
        except Refused:
            self._pace.failed(address)
            raise
        scope["state"]["caller"] = caller  # also of one who is refused: the audit log names them
        self._pace.check((caller.via, caller.name))
        what = f"{method} {scope['path']}"
        check_role(caller, wanted, what)
        check_area(caller, area_of(scope["path"]), what)
        if scope["path"] == topics.PATH:
            check_topics(caller, topics_of(QueryParams(scope["query_string"]).get("topics")))
        return caller

    async def _until_expiry(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream lasts no longer than the token or the key that opened it."""
        stream = asyncio.ensure_future(self._app(scope, receive, send))
        try:
            while not stream.done() and await self._is_valid(caller):
                left_s = min(_LOOK_S, end_s(caller) - self._clock())
                await asyncio.wait({stream}, timeout=max(0.0, left_s))
            if stream.done():
                await stream
                return
        finally:
            stream.cancel()
            await asyncio.wait({stream})
        if scope["type"] == "websocket":
            reason = "the token has expired, or the key was revoked"
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _is_valid(self, caller: Caller) -> bool:
        return end_s(caller) > self._clock() and await self._access.is_valid(caller)


def end_s(caller: Caller) -> float:
    """Until when the caller would be let in again: who is sent away earlier would come back at once."""
    return caller.expires_s + (0 if caller.via == "key" else LEEWAY_S)


async def refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or a WebSocket that is not yet accepted, with a problem."""
    response = problem(refused, scope["path"])
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def _with_subprotocol(scope: Scope, send: Send) -> Send:
    """A browser that offers subprotocols wants one of them back; the one with the token must not come back."""
    offered = SUBPROTOCOL in scope.get("subprotocols", ())

    async def extended(message: Message) -> None:
        if message["type"] == "websocket.accept" and offered:
            message = {**message, "subprotocol": SUBPROTOCOL}
        await send(message)

    return extended
