"""Counts the problems that callers are answered with, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunnion_bridge.problem import code_of


class Refusals:
    """Tells `on_refused` the code of each, also of those that a WebSocket is denied with."""

    def __init__(self, app: ASGIApp, on_refused: Callable[[str], None]) -> None:
        self._app = app
        self._on_refused = on_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: list[Headers] = []

        async def counted(message: Message) -> None:
            if message["type"].endswith("http.response.start") and message["status"] >= 400:
                begun.append(Headers(raw=list(message.get("headers", ()))))
            elif begun and (code := code_of(begun.pop(), message.get("body", b""))):
                self._on_refused(code)
            await send(message)

        await self._app(scope, receive, counted)
