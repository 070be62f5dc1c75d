"""Several bridges on one database, and somebody else who uses it."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg
from tests.bridge.running import RunningBridge

WRITERS = 0x7472756E


class Admin:
    """Somebody else who uses the database."""

    def __init__(self, url):
        self._url = url.replace("+psycopg", "")

    def __call__(self, said):
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(said)

    @contextmanager
    def locked(self):
        with psycopg.connect(self._url) as connection:
            connection.execute(f"SELECT pg_advisory_xact_lock({WRITERS})")
            yield


class Replicas:
    """Bridges on one database; those that a test ended are started again for the next one."""

    def __init__(self, url, start):
        self.url = url
        self._start = start
        self._bridges = []

    def one_more(self, *arguments):
        """A bridge for as long as the block lasts."""
        return self._start(*arguments)

    def ready(self, running):
        """Two bridges that are ready, the one that leads first."""
        self._bridges = [bridge for bridge in self._bridges if bridge.process.poll() is None]
        while len(self._bridges) < 2:
            self._bridges.append(running.enter_context(self._start()))
        for bridge in self._bridges:
            bridge.until_ready()
        return sorted(self._bridges, key=leads, reverse=True)


def leads(bridge: RunningBridge) -> bool:
    return bridge.state()["bridge"]["leads"]
