"""Enters into the audit log what a change has not entered itself: refusals, and what the database knows nothing of."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.access.audit import AuditLog
from trunnion_bridge.access.bucket import Bucket
from trunnion_bridge.access.deed import Deed
from trunnion_bridge.access.models import Outcome

_REFUSALS_PER_S = 5.0
_REFUSALS_AT_ONCE = 200.0
_log = logging.getLogger("trunnion.bridge")


class Clerk:
    """Refusals are cheap to ask for, and must not fill the disk: of more than a few a second the next entry tells how
    many were left out. Lives on the event loop.
    """

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._refusals = Bucket(_REFUSALS_PER_S, _REFUSALS_AT_ONCE)
        self._left_out = 0

    async def done(self, deed: Deed, subject: str) -> None:
        """It was done; where it is entered already, nothing is added."""
        if not deed.entries:
            await self._write(deed, "done", "", subject, "")

    async def refused(self, deed: Deed, subject: str, status: int, code: str) -> None:
        """It was refused, or failed, which the HTTP status of its problem tells."""
        deed.entries.clear()  # what was written with the change was undone with it
        # Where the orders cannot be written the log cannot, either: who waits is not made to wait for it, too.
        if code in ("too-many-requests", "database-away") or not self._refusals.take():
            self._left_out += 1
            return
        outcome: Outcome = "refused" if status < 500 or status == 503 else "failed"
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
