"""One bridge leads of those on a server, each knows whether it does, and none writes as a leader that is none."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError, OperationalError
from tests.bridge.running import until

from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.election import Election, leadership_of
from trunnion_bridge.leadership import Deposed
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.store import Store

REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 2}], "bin": "B"})
LEASE_S = 2.0


class Network:
    """What stands between a bridge and its server, and may swallow all that is said, both ways."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self.swallows = False

    def __enter__(self) -> Network:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to_port))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, begin: socket.socket, end: socket.socket) -> None:
        with begin, end, suppress(OSError):
            while data := begin.recv(65536):
                while self.swallows:
                    time.sleep(0.02)
                end.sendall(data)
            while self.swallows:
                time.sleep(0.02)
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def elected(postgres):
    """Makes bridges on one database that stand for election; the first leads."""
    url, made = postgres.new_database(), []

    def stand(name: str, port: int | None = None) -> tuple[Election, Store]:
        database = Database(url.set(port=port or url.port))
        election = Election(database.__enter__(), name, f"http://{name}", LEASE_S)
        made.append((election, database))
        election.start()
        return election, Store(database, fence=election.fence)

    yield stand
    for election, database in made:
        election.stop()
        database.close()


def cut(election: Election) -> None:
    """Let the server end the connection that holds the lead, as a network does that fails."""
    holder = (
        f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {0x62726467}"
    )
    with election._database.connect() as connection:
        connection.execute(text(holder))


def test_one_leads_and_the_others_know_who(elected):
    (first, _), (second, _) = elected("first"), elected("second")

    assert (first.role.leads, first.role.epoch, first.terms) == (True, 1, 1)
    assert (second.role.leads, second.role.epoch, second.terms) == (False, 1, 0)
    assert second.role.leader == first.role.leader
    assert (second.role.leader.name, second.role.leader.url) == ("first", "http://first")
    assert (first.may_command(), second.may_command()) == (True, False)
    until(lambda: first.others == 1, what="the other bridge")


def test_who_stops_is_followed_at_once(elected):
    (first, _), (second, _) = elected("first"), elected("second")
    began_s = time.monotonic()

    first.stop()

    until(lambda: second.role.leads and second.may_command(), what="the second to lead")
    assert time.monotonic() - began_s < LEASE_S
    assert second.role.epoch == 2


def test_a_leader_whose_connection_was_cut_leads_again_in_a_new_epoch_when_nobody_else_does(elected):
    first, _ = elected("first")

    cut(first)

    until(lambda: first.role.epoch == 2 and first.may_command(), what="the lead again")


def test_a_leader_that_hangs_is_followed_and_neither_commands_nor_writes_when_it_wakes_up(elected):
    first, store = elected("first")
    order, _ = store.create(REQUEST, None, 10)
    first._stopping.set()  # what its thread would say is not said any more
    first._thread.join()
    began_s = time.monotonic()
    second, _ = elected("second")

    until(lambda: not first.may_command(), what="doubt")
    assert not second.role.leads
    until(lambda: second.role.leads, what="the second to lead")

    assert time.monotonic() - began_s < LEASE_S + 1.5
    assert not first.role.leads
    with pytest.raises(Deposed):
        store.hand_over(order.id)
    with pytest.raises(Deposed):
        store.finish(order.id, "failed", "lost")
    assert store.get(order.id).state == "queued"
    assert store.cancel(order.id).state == "cancelled"  # what a caller asks for is nobody's alone


def test_a_bridge_that_hangs_in_the_middle_of_a_transaction_is_followed_all_the_same(elected):
    (first, _), (second, store) = elected("first"), elected("second")
    hung, fence = first._database.writing(), first.fence()
    fence(hung.__enter__())
    first._stopping.set()
    first._thread.join()

    until(lambda: second.role.leads, what="the second to lead")

    order, _ = store.create(REQUEST, None, 10)
    assert store.hand_over(order.id)
    with pytest.raises((OperationalError, InternalError)):
        hung.__exit__(None, None, None)


def test_a_leader_whose_network_swallows_everything_is_followed_and_follows_when_it_is_back(
    elected, postgres
):
    with Network(postgres.port) as network:
        (first, _), (second, _) = elected("first", network.port), elected("second")
        assert first.role.leads

        network.swallows = True

        until(lambda: second.role.leads, what="the second to lead")
        until(lambda: not first.role.leads, what="the first to know")
        assert (first.alive, first.may_command()) == (True, False)
        network.swallows = False
        until(lambda: first.role.leader == second.role.leader, what="the first to follow")


def test_a_server_that_goes_and_comes_back_has_one_leader_again(elected, postgres):
    (first, _), (second, store) = elected("first"), elected("second")

    postgres.stop()
    until(lambda: not (first.role.leader or second.role.leader), what="doubt")
    postgres.start()

    until(lambda: first.role.leads != second.role.leads, what="a leader")
    until(lambda: first.role.leader == second.role.leader, what="agreement")
    assert store.create(REQUEST, None, 10)[1]


def test_the_bridge_on_a_file_leads_alone(tmp_path):
    with Database(sqlite_url(tmp_path / "bridge.db")) as database:
        alone = leadership_of(database, "")
        alone.start()
        assert (alone.role.leads, alone.may_command(), alone.others) == (True, True, 0)
        store = Store(database, fence=alone.fence)
        assert store.hand_over(store.create(REQUEST, None, 10)[0].id)
