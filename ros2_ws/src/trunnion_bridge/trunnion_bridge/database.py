"""The database behind everything that lasts: a SQLite file in WAL mode, or PostgreSQL.

One transaction writes at a time, on either, so that what was read still holds when it writes and numbers are given in
the order of the commits. What was committed is on the platter.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError
from sqlalchemy.orm import Session

from trunnion_bridge.migration import migrate
from trunnion_contract.errors import BadInput, Broken

POSTGRESQL = "postgresql+psycopg"
_WRITERS = 0x7472756E  # the advisory lock of whoever writes
_CONNECT_S = 5
_IDLE_MAX_S = 4.0  # one bridge that hangs inside a transaction must not keep the others from writing
_NOTICE_DEAD_NETWORK = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
}


class Gone(SQLAlchemyError):
    """The file was taken away, or another was put in its place: what is written now would be lost."""


class Busy(SQLAlchemyError):
    """Others have waited for too long already."""


class Database:
    """Thread-safe; use with `with`."""

    def __init__(self, url: URL, lock_wait_s: float = 5.0) -> None:
        self._url = url
        self._lock_wait_s = lock_wait_s
        self._writing = threading.Lock()
        self._engine: Engine | None = None
        self._file: tuple[int, int] | None = None  # device and number of the file that was opened

    def __enter__(self) -> Database:
        """Connect, and bring the tables to what this bridge knows; a SQLite file is made where there is none.

        Raises:
            BadInput: the database is of a newer bridge, or the file is no database.
            Broken: the folder cannot be written, or the server cannot be used.
        """
        if not self.is_shared:
            self._make_folder()
        self._engine = self._make_engine()
        try:
            with self.writing() as session:
                migrate(session.connection(), self.place)
        except DatabaseError as error:
            self.close()
            raise self._unusable(error) from None
        except BadInput:
            self.close()
            raise
        self._file = self._found()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        if self._engine:
            self._engine.dispose()
            self._engine = self._file = None

    @property
    def is_shared(self) -> bool:
        """Whether other machines can reach it."""
        return self._url.get_backend_name() == "postgresql"

    @property
    def place(self) -> str:
        """Where it is, without the password."""
        return self._url.render_as_string() if self.is_shared else str(self._url.database)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that nobody waits for, and that sees one moment."""
        with Session(self._opened(), expire_on_commit=False) as session:
            if self.is_shared:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            else:
                session.execute(text("BEGIN"))
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction alone among those that write; an error inside undoes all of it."""
        with self._turn(), Session(self._opened(), expire_on_commit=False) as session, session.begin():
            if self.is_shared:
                session.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS})"))
            else:
                session.execute(text("BEGIN IMMEDIATE"))
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Who writes to a file takes turns: SQLite lets them all try again after ever longer naps, and some starve."""
        if self.is_shared:
            yield
            return
        if not self._writing.acquire(timeout=self._lock_wait_s):
            raise Busy(self.place)
        try:
            yield
        finally:
            self._writing.release()

    def connect(self) -> Connection:
        """A connection of its own, in which each statement is a transaction; the caller closes it, really."""
        connection = self._opened().connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        return connection

    def notify(self, session: Session, channel: str, said: str) -> None:
        """Tell all bridges on this database, when the transaction commits; at most 8000 bytes."""
        if self.is_shared:
            session.execute(text("SELECT pg_notify(:channel, :said)"), {"channel": channel, "said": said})

    def _opened(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the database is not open")
        # SQLite itself goes on with a file that has no name any more.
        if self._file and self._found() != self._file:
            raise Gone(self.place)
        return self._engine

    def _found(self) -> tuple[int, int] | None:
        """Which file there is; a server looks after its own."""
        if self.is_shared:
            return None
        try:
            found = Path(self.place).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _make_engine(self) -> Engine:
        if self.is_shared:
            wait_ms, idle_ms = int(self._lock_wait_s * 1000), int(_IDLE_MAX_S * 1000)
            options = f"-c lock_timeout={wait_ms} -c idle_in_transaction_session_timeout={idle_ms}"
            arguments = {"connect_timeout": _CONNECT_S, "options": options, **_NOTICE_DEAD_NETWORK}
            return create_engine(self._url, pool_pre_ping=True, connect_args=arguments)
        engine = create_engine(self._url, connect_args={"timeout": self._lock_wait_s})
        event.listen(engine, "connect", _set_pragmas)
        return engine

    def _make_folder(self) -> None:
        folder = Path(self.place).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Broken(
                where=str(folder),
                got=f"a folder that cannot be made ({error.strerror})",
                wanted="a folder that the bridge may write",
                next_step="name another --data-dir",
            ) from None

    def _unusable(self, error: DatabaseError) -> BadInput | Broken:
        if self.is_shared:
            return Broken(
                where=self.place,
                got=f"a database that cannot be used ({self._without_password(str(error.orig))})",
                wanted="a PostgreSQL server that answers, and a user that may make tables there",
                next_step="start the server, or correct the URL of the database",
            )
        return BadInput(
            where=self.place,
            got=f"a file that cannot be used ({error.orig})",
            wanted="the bridge's own SQLite file, in a folder that it may write",
            next_step="move the file away, or name another --data-dir",
        )

    def _without_password(self, said: str) -> str:
        words = " ".join(said.split())
        return words.replace(self._url.password, "***") if self._url.password else words


def sqlite_url(path: Path) -> URL:
    """The URL of a SQLite file."""
    return URL.create("sqlite", database=str(path))


def postgresql_url(given: str) -> URL:
    """The URL of a PostgreSQL database; what was given is never repeated, for it may hold a password.

    Raises:
        BadInput: it is none.
    """
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername != POSTGRESQL or not url.database:
        raise BadInput(
            where="the URL of the database",
            got="something else" if url is None else f"{url.drivername}, database '{url.database or ''}'",
            wanted=f"{POSTGRESQL}://USER:PASSWORD@HOST:PORT/DATABASE",
            next_step="correct it, or leave it out: orders are then kept in a SQLite file in --data-dir",
        )
    return url


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
