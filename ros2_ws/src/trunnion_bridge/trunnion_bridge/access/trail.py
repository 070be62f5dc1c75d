"""Sees to it that every change that is asked for over HTTP comes into the audit log, also one that is refused."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunnion_bridge.access.audit import AuditLog
from trunnion_bridge.access.bucket import Bucket
from trunnion_bridge.access.deed import Deed, acting
from trunnion_bridge.access.models import Outcome
from trunnion_bridge.access.wanted import RouteTable
from trunnion_bridge.correlation import request_id
from trunnion_bridge.problem import MEDIA_TYPE

_REFUSALS_PER_S = 5.0
_REFUSALS_AT_ONCE = 200.0
_URN = "urn:trunnion:problem:"
_log = logging.getLogger("trunnion.bridge")


class Trail:
    """Where a change writes its own entry in its own transaction, nothing is added; otherwise the answer says how it
    went. It is sent when the entry is written.

    Refusals are cheap to ask for, and must not fill the disk: of more than a few a second the next entry tells how many
    were left out.
    """

    def __init__(
        self,
        app: ASGIApp,
        log: AuditLog,
        page_files: Iterable[str],
    ) -> None:
        self._app = app
        self._log = log
        self._table = RouteTable(page_files)
        self._refusals = Bucket(_REFUSALS_PER_S, _REFUSALS_AT_ONCE)
        self._left_out = 0

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
            await self._refused(deed, subject, "failed", "broken")
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
            outcome: Outcome = "refused" if status < 500 or status == 503 else "failed"
            await self._refused(deed, subject, outcome, _code(start, body))
        elif not deed.entries:
            await self._write(deed, "done", "", subject, "")

    async def _refused(self, deed: Deed, subject: str, outcome: Outcome, code: str) -> None:
        deed.entries.clear()  # what was written with the change was undone with it
        # Where the orders cannot be written the log cannot, either: who waits is not made to wait for it, too.
        if code in ("too-many-requests", "database-away") or not self._refusals.take():
            self._left_out += 1
            return
        detail = f"and {self._left_out} refusals before it that are not listed" if self._left_out else ""
        self._left_out = 0
        await self._write(deed, outcome, code, subject, detail)

    async def _write(self, deed: Deed, outcome: Outcome, code: str, subject: str, detail: str) -> None:
        try:
            deed.entries.append(
                await asyncio.to_thread(self._log.write, deed, outcome, code, subject, detail)
            )
        except (SQLAlchemyError, RuntimeError):  # busy or closed
            _log.exception("%s of %s (%s) is not in the audit log", deed.action, deed.caller, outcome)


def _code(start: Message, body: bytes) -> str:
    """The code of a problem; of another answer its status."""
    if Headers(raw=list(start.get("headers", ()))).get("content-type") == MEDIA_TYPE:
        return str(json.loads(body)["type"]).removeprefix(_URN)
    return str(start["status"])
