"""Sees to it that every change that is asked for over HTTP comes into the audit log, also one that is refused."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunnion_bridge.access.clerk import Clerk
from trunnion_bridge.access.deed import Deed, acting
from trunnion_bridge.access.wanted import RouteTable
from trunnion_bridge.correlation import request_id
from trunnion_bridge.problem import code_of


class Trail:
    """Where a change writes its own entry in its own transaction, nothing is added; otherwise the answer says how it
    went. It is sent when the entry is written.
    """

    def __init__(
        self,
        app: ASGIApp,
        clerk: Clerk,
        page_files: Iterable[str],
    ) -> None:
        self._app = app
        self._clerk = clerk
        self._table = RouteTable(page_files)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        change = self._table.change(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if change is None:
            await self._app(scope, receive, send)
            return
        action, subject = change
        state = scope.setdefault("state", {})
        address = (scope.get("client") or ("",))[0]
        deed = Deed(action, address, request_id.get(), state)
        try:
            with acting(deed):
                await self._app(scope, receive, self._told(deed, subject, send))
        except Exception:
            await self._clerk.refused(deed, subject, 500, "broken")
            raise

    def _told(self, deed: Deed, subject: str, send: Send) -> Send:
        """A `send` that holds the beginning of an answer back until the entry is written."""
        begun: list[Message] = []

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message)
                return
            if begun:
                start = begun.pop()
                await self._conclude(deed, subject, start, message.get("body", b""))
                await send(start)
            await send(message)

        return told

    async def _conclude(self, deed: Deed, subject: str, start: Message, body: bytes) -> None:
        status = start["status"]
        if status >= 400:
            await self._clerk.refused(deed, subject, status, _code(start, body))
        else:
            await self._clerk.done(deed, subject)


def _code(start: Message, body: bytes) -> str:
    """The code of a problem; of another answer its status."""
    return code_of(Headers(raw=list(start.get("headers", ()))), body) or str(start["status"])
