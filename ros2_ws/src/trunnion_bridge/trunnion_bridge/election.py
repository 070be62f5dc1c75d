"""The leadership of bridges that share a PostgreSQL database.

Who holds an advisory lock leads, for as long as the connection lasts that holds it. The server itself ends that
connection when it hears nothing for LEASE_S, so that a leader which hangs, or which the network has cut off, is
followed within that time. The leader does not believe in its lock for that long, and every transaction that it writes
looks whether the epoch is still its own: a leader that wakes up late gives no order and writes nothing.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from contextlib import suppress
from datetime import datetime, timezone

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trunnion_bridge.database import Database
from trunnion_bridge.doorbell import Doorbell
from trunnion_bridge.leadership import Alone, Deposed, Fence, Leadership, Role
from trunnion_bridge.models import Leader

LEASE_S = 4.0
_MARGIN_S = 0.5  # the clocks of two machines do not run at exactly the same speed
_LOOK_S = 0.5
_LEADS = 0x62726467  # the advisory lock of the bridge that leads
_SERVES = 0x62726468  # that of all bridges, which share it
_OF_ALL = (
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database WHERE granted "
    f"AND datname = current_database() AND locktype = 'advisory' AND classid = 0 AND objid = {_SERVES}"
)
_RENEW = text(f"SELECT epoch, ({_OF_ALL}) FROM leadership")
_WIN = text(
    "UPDATE leadership SET epoch = epoch + 1, name = :name, url = :url, since_ms = :since_ms RETURNING epoch"
)
_WHO = text("SELECT epoch, name, url, since_ms FROM leadership")
_log = logging.getLogger("trunnion.bridge")


class Election:
    """A thread that takes the lead when nobody has it, and notices when it is lost."""

    def __init__(self, database: Database, name: str, url: str, lease_s: float = LEASE_S) -> None:
        self._database = database
        self._me = Leader(name=name, url=url or None, since=None)
        self._lease_s = lease_s
        self._connection: Connection | None = None
        self._confirmed_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="election", daemon=True)
        self._is_away = False
        self._role = Role()
        self.others = 0
        self.terms = 0
        self.changed = Doorbell()

    @property
    def name(self) -> str:
        """The name of this bridge among the others."""
        return self._me.name

    @property
    def role(self) -> Role:
        """What this bridge is now; one whose question to the server hangs does not lead any more."""
        role = self._role
        return Role() if role.leads and _now_s() - self._confirmed_s >= self._lease_s else role

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def may_command(self) -> bool:
        """Whether no other bridge can be leading: the server cannot have given the lock to another yet."""
        return self._role.leads and _now_s() - self._confirmed_s < self._lease_s - _MARGIN_S

    def fence(self) -> Fence:
        """Made before the transaction begins; the row is locked, so that nobody takes the lead before its end."""
        role = self._role

        def check(session: Session) -> None:
            if not role.leads or session.scalar(text("SELECT epoch FROM leadership FOR SHARE")) != role.epoch:
                raise Deposed

        return check

    def start(self) -> None:
        """Begin to look; the first look is over when this returns."""
        self._try()
        self._thread.start()

    def stop(self) -> None:
        """Give the lead back at once."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._leave()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            self._try()

    def _try(self) -> None:
        try:
            self._look()
        except SQLAlchemyError as error:
            self._leave()
            if not self._is_away:
                _log.warning(
                    "who leads cannot be found out: %s", type(getattr(error, "orig", error)).__name__
                )
            self._is_away = True
        else:
            self._is_away = False

    def _look(self) -> None:
        connection = self._connected()
        asked_s = _now_s()
        if self._role.leads:
            epoch, bridges = connection.execute(_RENEW).one()
            if epoch != self._role.epoch:  # the orders were taken from a backup, say
                self._leave()
                return
            self._confirmed_s, self.others = asked_s, bridges - 1
        elif connection.scalar(text(f"SELECT pg_try_advisory_lock({_LEADS})")):
            self._win(connection, asked_s)
        else:
            epoch, name, url, since_ms = connection.execute(_WHO).one()
            self._become(Role(False, epoch, Leader(name=name, url=url or None, since=_time(since_ms))))

    def _win(self, connection: Connection, asked_s: float) -> None:
        since_ms = int(time.time() * 1000)
        mine = {"name": self._me.name, "url": self._me.url or "", "since_ms": since_ms}
        epoch = connection.scalar(_WIN, mine)
        assert epoch is not None
        self._confirmed_s = asked_s
        self.terms += 1
        self._become(Role(True, epoch, self._me.model_copy(update={"since": _time(since_ms)})))

    def _connected(self) -> Connection:
        """A connection of its own, which the server ends when it hears nothing from us."""
        if self._connection is None:
            self._connection = self._database.connect()
            lease_ms = int(self._lease_s * 1000)
            self._connection.execute(text(f"SET idle_session_timeout = {lease_ms}"))
            self._connection.execute(text(f"SELECT pg_advisory_lock_shared({_SERVES})"))
        return self._connection

    def _leave(self) -> None:
        """Lead no more; the lock goes with its connection."""
        self._become(Role())
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.close()
            self._connection = None

    def _become(self, role: Role) -> None:
        if role == self._role:
            return
        self._role = role
        if role.leads:
            _log.info("this bridge, %s, leads now (epoch %d)", self.name, role.epoch)
        elif role.leader:
            _log.info("%s leads (epoch %d); this bridge follows", role.leader.name, role.epoch)
        else:
            _log.info("this bridge does not lead, and does not know who does")
        self.changed.ring()


def leadership_of(database: Database, url: str) -> Leadership:
    """The election of the bridges on a server; the bridge on a file is alone."""
    name = f"{socket.gethostname()}/{secrets.token_hex(3)}"
    return (
        Election(database, name, url)
        if database.is_shared
        else Alone(Leader(name=name, url=url or None, since=None))
    )


def _now_s() -> float:
    """Counts while this process, or this machine, sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, timezone.utc)
