"""Which request and which order a line of the log belongs to."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
# What a caller sends goes into logs and headers: nothing that could end a line or a field.
_GIVEN = re.compile(r"[A-Za-z0-9._:-]{1,64}")

request_id: ContextVar[str] = ContextVar("request_id", default="")
order_id: ContextVar[str] = ContextVar("order_id", default="")


@contextmanager
def of_order(identity: str) -> Iterator[None]:
    """What is logged in the block belongs to the order of that id."""
    token = order_id.set(identity)
    try:
        yield
    finally:
        order_id.reset(token)


class RequestId:
    """Gives each request an id, which its answer names: the caller's own `X-Request-ID` if it is fit, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        identity = _identity(Headers(scope=scope).get(HEADER, ""))

        async def naming(message: Message) -> None:
            if message["type"] in (
                "http.response.start",
                "websocket.accept",
                "websocket.http.response.start",
            ):
                message.setdefault("headers", [])
                MutableHeaders(scope=message)[HEADER] = identity
            await send(message)

        # Never reset: each request has a context of its own, and the answer to what broke is made outside of this.
        request_id.set(identity)
        trace.get_current_span().set_attribute("trunnion.request_id", identity)
        await self._app(scope, receive, naming)


def new_id() -> str:
    """An id for a request that brought none."""
    return uuid.uuid4().hex


def _identity(given: str) -> str:
    return given if _GIVEN.fullmatch(given) else new_id()
