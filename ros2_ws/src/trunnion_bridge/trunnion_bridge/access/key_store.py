"""Keys in the database: made, looked up, revoked. The secret itself is never there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import select, update

from trunnion_bridge.access import audit
from trunnion_bridge.access.keys import digest_of, mint
from trunnion_bridge.access.models import Key, KeyRequest, NewKey, RoleName
from trunnion_bridge.database import Database
from trunnion_bridge.problem import Refused
from trunnion_bridge.tables import KeyRow, time_of

_DAYS_MAX = 366
_DAY_MS = 24 * 3600 * 1000


class KnownKey(NamedTuple):
    """A key and what is kept of its secret."""

    key: Key
    digest: str


class KeyStore:
    """Thread-safe, in a database that is open; `clock` is Unix time in seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, request: KeyRequest, maker: str) -> NewKey:
        """Make a key.

        Raises:
            Refused: `expiry-out-of-range`.
        """
        now_ms = self._now_ms()
        expires_ms = int(request.expires_at.timestamp() * 1000)
        if not now_ms < expires_ms <= now_ms + _DAYS_MAX * _DAY_MS:
            raise _out_of_range(request.expires_at)
        minted = mint()
        row = KeyRow(
            id=minted.key_id,
            name=request.name,
            role=request.role,
            areas=json.dumps(sorted(set(request.areas))) if request.areas is not None else None,
            digest=digest_of(minted.text),
            created_ms=now_ms,
            created_by=maker,
            expires_ms=expires_ms,
        )
        with self._database.writing() as session:
            session.add(row)
            session.flush()
            audit.enter(session, row.id, detail=f"{row.role} {row.name!a} until {time_of(expires_ms):%F}")
            return NewKey(**_key_of(row).model_dump(), secret=minted.text)

    def get(self, key_id: str) -> KnownKey | None:
        """The key of that id, also one that has expired or was revoked."""
        if "\0" in key_id:  # PostgreSQL has no text with it
            return None
        with self._database.reading() as session:
            row = session.scalar(select(KeyRow).where(KeyRow.id == key_id))
            return KnownKey(_key_of(row), row.digest) if row else None

    def page(self, limit: int, before: int | None = None) -> list[Key]:
        """Up to `limit` keys, newest first, with numbers below `before`."""
        query = select(KeyRow).order_by(KeyRow.number.desc()).limit(limit)
        if before is not None:
            query = query.where(KeyRow.number < before)
        with self._database.reading() as session:
            return [_key_of(row) for row in session.scalars(query)]

    def revoke(self, key_id: str) -> Key | None:
        """Let a key open nothing from now on; None when there is none of that id."""
        if "\0" in key_id:
            return None
        with self._database.writing() as session:
            row = session.scalar(select(KeyRow).where(KeyRow.id == key_id))
            if row is None:
                return None
            is_new = row.revoked_ms is None
            row.revoked_ms = self._now_ms() if is_new else row.revoked_ms
            audit.enter(session, row.id, "done" if is_new else "unchanged")
            return _key_of(row)

    def used(self, key: Key) -> None:
        """Note that a key is used now."""
        with self._database.writing() as session:
            session.execute(update(KeyRow).where(KeyRow.id == key.id).values(used_ms=self._now_ms()))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _key_of(row: KeyRow) -> Key:
    return Key(
        id=row.id,
        number=row.number,
        name=row.name,
        role=cast(RoleName, row.role),
        areas=json.loads(row.areas) if row.areas is not None else None,
        created_at=time_of(row.created_ms),
        created_by=row.created_by,
        expires_at=time_of(row.expires_ms),
        last_used_at=time_of(row.used_ms) if row.used_ms is not None else None,
        revoked_at=time_of(row.revoked_ms) if row.revoked_ms is not None else None,
    )


def _out_of_range(expires_at: datetime) -> Refused:
    return Refused(
        "expiry-out-of-range",
        where="body.expires_at",
        got=expires_at.isoformat(),
        wanted=f"a time to come, at most {_DAYS_MAX} days from now",
        next_step="make a key that ends earlier, and the next one before it does",
    )
