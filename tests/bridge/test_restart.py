"""Orders survive the bridge, however it ends."""

from __future__ import annotations

import signal
import time

import pytest
from tests.bridge.running import slowness

from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.store import Store


def test_an_order_that_ran_when_the_bridge_was_killed_is_reported_as_failed(start_bridge, cell):
    cell.say("sorter slow")
    with start_bridge() as bridge:
        bridge.until_ready()
        running = bridge.post({"bolt": 2}, **{"Idempotency-Key": "k1"}).json()
        bridge.until_state(running["id"], "running")
        waiting = bridge.post({"nut": 1}).json()
        bridge.stop(signal.SIGKILL)

    with start_bridge() as bridge:
        failed = bridge.order(running["id"])
        assert failed["state"] == "failed"
        assert "the bridge died while this order ran" in failed["message"]
        # The sorter was told to leave the old order, so that the next one need not wait for its end.
        assert bridge.until_state(waiting["id"], "succeeded")["number"] == running["number"] + 1
        again = bridge.post({"bolt": 2}, **{"Idempotency-Key": "k1"})
        assert (again.status_code, again.json()["id"]) == (200, running["id"])


@pytest.mark.parametrize(
    ("number", "way", "state", "message"),
    [
        (signal.SIGTERM, "slow", "cancelled", "the bridge was stopped: left off, the arm holds"),
        (
            signal.SIGINT,
            "deaf",
            "failed",
            "the bridge was stopped while this order ran; 0 of 2 parts had been sorted",
        ),
    ],
)
def test_a_signal_ends_the_bridge_and_its_order_within_three_seconds(
    start_bridge, cell, tmp_path, number, way, state, message
):
    cell.say(f"sorter {way}")
    with start_bridge() as bridge:
        bridge.until_ready()
        order = bridge.post({"bolt": 2}).json()
        bridge.until_state(order["id"], "running")
        begin_s = time.monotonic()

        assert bridge.stop(number) == 0

        assert time.monotonic() - begin_s < 3 * slowness()
    with Database(sqlite_url(tmp_path / "data" / "bridge.db")) as database:
        ended = Store(database).get(order["id"])
    assert (ended.state, ended.message) == (state, message)
