"""What the bridges on one PostgreSQL database tell one another: LISTEN on a connection of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.database import Database

_LOOK_S = 1.0
# A listener that takes nothing fills the server's queue, and in the end nobody can tell anything: it is cut off.
_SILENCE_MAX_MS = 30_000
_log = logging.getLogger("trunnion.bridge")


class Notices:
    """A thread that listens; `hear` has a function for each channel, called with what was said. Use with `with`.

    What is said while the server is away is not heard: who must not miss anything looks into the tables now and then.
    """

    def __init__(self, database: Database, hear: Mapping[str, Callable[[str], object]]) -> None:
        self._database = database
        self._hear = hear
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def __enter__(self) -> Notices:
        if self._database.is_shared:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._database.connect() as connection:
                    self._listen(connection)
            except (SQLAlchemyError, psycopg.Error) as error:
                _log.warning("what other bridges say cannot be heard: %s", type(error).__name__)
                self._stopping.wait(_LOOK_S)

    def _listen(self, connection: Connection) -> None:
        connection.execute(text(f"SET idle_session_timeout = {_SILENCE_MAX_MS}"))
        for channel in self._hear:
            connection.execute(text(f"LISTEN {channel}"))
        driver: Any = connection.connection.dbapi_connection
        while not self._stopping.is_set():
            for notice in driver.notifies(timeout=_LOOK_S, stop_after=1):
                self._hear[notice.channel](notice.payload)
            connection.execute(text("SELECT 1"))
