"""The claim of one bridge to the orders of a database, held for as long as it looks after them, and watched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from trunnion_bridge.database import Database
from trunnion_contract.errors import BadInput

_LOOK_S = 2.0
_BRIDGE = 0x62726467  # the advisory lock of the bridge that talks to the robot
_log = logging.getLogger("trunnion.bridge")


class Claim:
    """Keeps other bridges from these orders: two would send each of them twice. Use with `with`.

    On PostgreSQL it belongs to a connection and goes with it, for example when the server is started anew. It is then
    claimed again as soon as the server answers. `on_loss` is called, on another thread, when another bridge has it by
    then: that one looks after the orders now. A SQLite file is claimed by its folder, see `main`.
    """

    def __init__(self, database: Database, on_loss: Callable[[], object], look_s: float = _LOOK_S) -> None:
        self._database = database
        self._on_loss = on_loss
        self._look_s = look_s
        self._connection: Connection | None = None
        self._given_back = threading.Event()
        self._watch = threading.Thread(target=self._look, name="claim", daemon=True)

    def __enter__(self) -> Claim:
        """Claim the orders.

        Raises:
            BadInput: another bridge has them.
        """
        if not self._database.is_shared:
            return self
        if not self._taken():
            raise BadInput(
                where=self._database.place,
                got="orders that another bridge is looking after",
                wanted="orders that are looked after by one bridge",
                next_step="stop the other bridge, or name another database",
            )
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._given_back.set()
        if self._watch.ident is not None:
            self._watch.join()
        self._leave()

    def _look(self) -> None:
        while not self._given_back.wait(self._look_s):
            try:
                if not (self._held() or self._taken()):
                    self._on_loss()
                    return
            except DatabaseError as error:
                _log.warning("the claim to the orders cannot be looked after: %s", type(error.orig).__name__)

    def _held(self) -> bool:
        """Whether the connection that has the lock still is one."""
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except DatabaseError:
            self._leave()
            return False
        return True

    def _taken(self) -> bool:
        """Take the lock on a new connection; False where another has it."""
        connection = self._database.connect()
        if not connection.scalar(text(f"SELECT pg_try_advisory_lock({_BRIDGE})")):
            connection.close()
            return False
        self._connection = connection
        return True

    def _leave(self) -> None:
        """Give the lock back with its connection, which must not go on in the pool with it."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):  # one that broke has no lock any more
                self._connection.execute(text(f"SELECT pg_advisory_unlock({_BRIDGE})"))
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
