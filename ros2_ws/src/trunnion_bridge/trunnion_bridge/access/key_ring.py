"""From a key to its caller. What the database says of a key is believed for two seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.access.key_store import KeyStore, KnownKey
from trunnion_bridge.access.keys import fits, id_of
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.access.tokens import unauthenticated
from trunnion_bridge.trouble import PASSING, database_away

_BELIEVED_S = 2.0
_KEPT_MAX = 1024
_USE_S = 60.0  # how old the time of the last use may be, so that few requests write
_log = logging.getLogger("trunnion.bridge")


class KeyRing:
    """Lives on the event loop. `clock` is Unix time, `steady` only grows; both in seconds."""

    def __init__(
        self,
        store: KeyStore,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._steady = steady
        self._kept: OrderedDict[str, tuple[float, KnownKey | None]] = OrderedDict()
        self._noting: set[asyncio.Task[None]] = set()

    async def caller(self, text: str) -> Caller:
        """Who has this key.

        Raises:
            Refused: `database-away`, or `unauthenticated`; that a key was revoked or has expired is told to its owner
                only.
        """
        key_id = id_of(text)
        try:
            known = await self._look_up(key_id) if key_id else None
        except PASSING as error:
            raise database_away(error) from None
        if known is None or not fits(text, known.digest):
            raise unauthenticated("a key that this bridge does not know")
        key = known.key
        if key.revoked_at is not None:
            raise unauthenticated("a key that was revoked")
        if key.expires_at.timestamp() <= self._clock():
            raise unauthenticated("a key that has expired")
        self._note_use(known)
        areas = frozenset(key.areas) if key.areas is not None else None
        return Caller(f"key:{key.id}", Role[key.role.upper()], key.expires_at.timestamp(), "key", areas)

    async def is_valid(self, name: str) -> bool:
        """Whether the key of a caller of that name still opens anything."""
        try:
            known = await self._look_up(name.removeprefix("key:"))
        except SQLAlchemyError:  # while the database is away nobody can revoke a key
            return True
        if known is None or known.key.revoked_at is not None:
            return False
        return known.key.expires_at.timestamp() > self._clock()

    def forget(self, key_id: str) -> None:
        """Believe nothing of this key any more: it was changed."""
        self._kept.pop(key_id, None)

    async def settle(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._noting, return_exceptions=True)

    async def _look_up(self, key_id: str) -> KnownKey | None:
        since_s, known = self._kept.get(key_id, (float("-inf"), None))
        if self._steady() - since_s < _BELIEVED_S:
            return known
        now_s = self._steady()
        known = await asyncio.to_thread(self._store.get, key_id)
        self._kept[key_id] = (now_s, known)
        self._kept.move_to_end(key_id)
        while len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return known

    def _note_use(self, known: KnownKey) -> None:
        """In the background: a database that is busy must not keep a reader waiting."""
        used_at = known.key.last_used_at
        is_due = used_at is None or abs(self._clock() - used_at.timestamp()) > _USE_S
        if is_due and not self._noting:  # one at a time; another use of the key will come
            task = asyncio.create_task(self._write_use(known))
            self._noting.add(task)
            task.add_done_callback(self._noting.discard)

    async def _write_use(self, known: KnownKey) -> None:
        try:
            await asyncio.to_thread(self._store.used, known.key)
            self.forget(known.key.id)
        except (SQLAlchemyError, RuntimeError):  # busy or closed
            _log.warning("that %s was used could not be noted", known.key.id)
