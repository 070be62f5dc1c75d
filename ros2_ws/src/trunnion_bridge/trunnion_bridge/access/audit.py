"""The audit log: every change that somebody asked for, and every one that was refused. It only grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, cast

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from trunnion_bridge.access.deed import CURRENT, Deed
from trunnion_bridge.access.models import AuditEntry, Outcome, RoleName
from trunnion_bridge.database import Database
from trunnion_bridge.tables import AuditRow, time_of

_TEXT_MAX = 200


class Wanted(NamedTuple):
    """Which entries are asked for; None is all."""

    who: str | None = None
    action: str | None = None
    subject: str | None = None
    outcome: Outcome | None = None


_EVERYTHING = Wanted()


def enter(session: Session, subject: str, outcome: Outcome = "done", detail: str = "") -> None:
    """Add the current deed, in the transaction of the change; nothing where nobody asked for it."""
    deed = CURRENT.get()
    if deed is not None:
        deed.entries.append(_enter(session, deed, int(time.time() * 1000), subject, outcome, "", detail))


class AuditLog:
    """Thread-safe, in a database that is open."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def write(
        self, deed: Deed, outcome: Outcome, code: str = "", subject: str = "", detail: str = ""
    ) -> AuditEntry:
        """Add a deed that changed nothing in the database, or that was refused."""
        with self._database.writing() as session:
            at_ms = int(self._clock() * 1000)
            return _enter(session, deed, at_ms, subject, outcome, code, detail)

    def page(self, limit: int, before: int | None = None, wanted: Wanted = _EVERYTHING) -> list[AuditEntry]:
        """Up to `limit` entries, newest first, with numbers below `before`."""
        query = select(AuditRow).order_by(AuditRow.number.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditRow.number < before)
        with self._database.reading() as session:
            return [_entry_of(row) for row in session.scalars(_only(query, wanted))]

    def latest(self) -> int:
        """The number of the latest entry; 0 before the first."""
        with self._database.reading() as session:
            return session.scalar(select(func.max(AuditRow.number))) or 0

    def after(self, number: int, limit: int) -> list[AuditEntry]:
        """Up to `limit` entries after one, oldest first."""
        query = select(AuditRow).where(AuditRow.number > number).order_by(AuditRow.number).limit(limit)
        with self._database.reading() as session:
            return [_entry_of(row) for row in session.scalars(query)]


def _only(query: Select[AuditRow], wanted: Wanted) -> Select[AuditRow]:
    for name, value in wanted._asdict().items():
        if value is not None:
            query = query.where(getattr(AuditRow, name) == value)
    return query


def _enter(
    session: Session, deed: Deed, at_ms: int, subject: str, outcome: Outcome, code: str, detail: str
) -> AuditEntry:
    caller = deed.caller
    row = AuditRow(
        at_ms=at_ms,
        who=_kept(caller.name) if caller else "",
        via=caller.via if caller else "",
        role=str(caller.role) if caller and caller.role else None,
        address=deed.address,
        action=deed.action,
        subject=_kept(subject),
        outcome=outcome,
        code=code,
        detail=_kept(detail),
        request_id=deed.request_id,
    )
    session.add(row)
    session.flush()
    return _entry_of(row)


def _kept(text: str) -> str:
    """What both databases can hold of what a caller sent."""
    plain = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return plain if len(plain) <= _TEXT_MAX else plain[: _TEXT_MAX - 1] + "…"


def _entry_of(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        number=row.number,
        at=time_of(row.at_ms),
        who=row.who,
        via=row.via,
        role=cast(RoleName | None, row.role),
        address=row.address,
        action=row.action,
        subject=row.subject,
        outcome=cast(Outcome, row.outcome),
        code=row.code,
        detail=row.detail,
        request_id=row.request_id,
    )
