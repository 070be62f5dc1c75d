"""One bridge looks after the orders of a server, and knows when it no longer does."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text
from tests.bridge.running import until

from trunnion_bridge.claim import Claim
from trunnion_bridge.database import Database, sqlite_url
from trunnion_contract.errors import BadInput

LOOK_S = 0.2


def nothing() -> None:
    raise AssertionError("the claim is held")


def cut(database: Database) -> None:
    """Let the server end the connection that holds the claim, as a network does that fails."""
    holder = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    with database.connect() as connection:
        connection.execute(text(holder))


def is_claimed(database: Database) -> bool:
    try:
        with Claim(database, nothing):
            return False
    except BadInput:
        return True


def test_two_bridges_never_share_the_orders_of_a_server(postgres):
    url = postgres.new_database()
    with Database(url) as one, Database(url) as other:
        with Claim(one, nothing), pytest.raises(BadInput, match="another bridge is looking after"):
            Claim(other, nothing).__enter__()
        assert not is_claimed(other)


def test_a_claim_whose_connection_was_cut_is_claimed_again(postgres):
    url = postgres.new_database()
    with Database(url) as one, Database(url) as other, Claim(one, nothing, LOOK_S):
        cut(other)
        until(lambda: is_claimed(other), what="the claim again")


def test_a_claim_comes_back_with_the_server(postgres):
    url = postgres.new_database()
    with Database(url) as one, Database(url) as other, Claim(one, nothing, LOOK_S):
        postgres.stop()
        time.sleep(3 * LOOK_S)
        postgres.start()
        until(lambda: is_claimed(other), what="the claim again")


def test_who_finds_another_in_its_place_is_told_so(postgres):
    url, lost = postgres.new_database(), threading.Event()
    with Database(url) as one, Database(url) as other, Claim(one, lost.set, look_s=1.0):
        cut(other)
        with Claim(other, nothing, LOOK_S):
            assert lost.wait(10)
            assert is_claimed(one)
        assert not is_claimed(one)


def test_a_bridge_in_whose_place_another_is_ends_at_once_and_leaves_the_order_alone(
    start_bridge, cell, postgres, ros_process_environment
):
    url = postgres.new_database()
    environment = {**ros_process_environment, "TRUNNION_DATABASE": url.render_as_string(hide_password=False)}
    with Database(url) as other, start_bridge(environment=environment) as bridge:
        bridge.until_ready()
        cell.say("sorter slow")
        order_id = bridge.post({"nut": 3}).json()["id"]
        bridge.until_state(order_id, "running")
        cut(other)
        with Claim(other, nothing, LOOK_S):
            assert bridge.process.wait(timeout=20) == 3
        cell.say("sorter quick")
    with start_bridge(environment=environment) as successor:
        assert successor.until_state(order_id, "succeeded", "failed", "cancelled")["state"] == "succeeded"


def test_a_file_is_claimed_by_its_folder(tmp_path):
    with Database(sqlite_url(tmp_path / "bridge.db")) as database, Claim(database, nothing):
        pass
