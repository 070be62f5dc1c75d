"""A PostgreSQL server of the tests' own: a temporary folder, loopback, an unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, make_url
from tests.bridge.running import a_free_port, until

PASSWORD = "only-for-tests@/%"
MISSING = "this machine has no PostgreSQL (tools/setup/postgres.sh brings it)"


class Postgres:
    """A server that can die and come back."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._user = _unprivileged()
        self.port = a_free_port()

    def make(self) -> None:
        """Lay the server's folder out."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        if self._user:
            for path in (self._folder, secret):
                shutil.chown(path, self._user)
        make = [self._programs / "initdb", "-D", self._folder / "data", "-U", "trunnion", "--no-sync"]
        options = ["-E", "UTF8", "--locale=C", "-A", "scram-sha-256", f"--pwfile={secret}"]
        subprocess.run([*make, *options], check=True, capture_output=True, user=self._user, cwd="/")

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = (
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "unix_socket_directories=",
            "fsync=off",
        )
        command = [self._programs / "postgres", "-D", self._folder / "data"]
        command += [word for setting in settings for word in ("-c", setting)]
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, user=self._user, cwd="/")
        until(self._answers, what=f"a PostgreSQL server (see {self._folder}/log)")

    def stop(self) -> None:
        """Stop at once."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=20)

    def new_database(self) -> URL:
        """The URL of a database that is empty."""
        name = f"test_{uuid.uuid4().hex}"
        with self._connection() as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        server = make_url("postgresql+psycopg://trunnion@127.0.0.1")
        return server.set(password=PASSWORD, port=self.port, database=name)

    def _connection(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="trunnion",
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
        )

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            self._connection().close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server for as long as the block lasts; without PostgreSQL the test is skipped."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="trunnion-postgres-", ignore_cleanup_errors=True) as folder:
        server = Postgres(programs, Path(folder))
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps it off the path."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(versions, key=lambda path: float(path.parent.name), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


def _unprivileged() -> str | None:
    """Whom the server runs as; PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
