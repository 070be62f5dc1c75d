"""Orders survive the bridge, however it ends."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest
from tests.bridge.running import running_cell, slowness

from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.store import Store

_LOCK = re.compile(r"/dev/shm/fastrtps_[0-9a-f]{16}_el")


def shared_memory_of(pid: int) -> set[Path]:
    """The segments of a ROS process: it looks into others', but has the locks of its own open."""
    opened = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    return {Path(name.removesuffix("_el")) for name in opened if _LOCK.fullmatch(name)}


def test_an_order_that_ran_when_the_bridge_was_killed_goes_on_and_ends_as_it_truly_ended(start_bridge, cell):
    cell.say("sorter slow")
    with start_bridge() as bridge:
        bridge.until_ready()
        running = bridge.post({"bolt": 2}, **{"Idempotency-Key": "k1"}).json()
        waiting = bridge.post({"nut": 1}).json()
        bridge.until_state(running["id"], "running")
        held = shared_memory_of(bridge.process.pid)
        bridge.stop(signal.SIGKILL)

    with start_bridge() as bridge:
        # After some hundred kills it would be full.
        assert held
        assert not any(segment.exists() for segment in held)
        done = bridge.until_state(running["id"], "succeeded", "failed")
        assert (done["state"], done["message"]) == ("succeeded", "2 parts lie in bin B")
        assert bridge.until_state(waiting["id"], "succeeded")["started_at"] >= done["ended_at"]
        again = bridge.post({"bolt": 2}, **{"Idempotency-Key": "k1"})
        assert (again.status_code, again.json()["id"]) == (200, running["id"])
        assert [cell.executed().count(order["id"]) for order in (running, waiting)] == [1, 1]


def test_an_order_that_a_bridge_before_gave_to_the_sorter_can_be_cancelled(start_bridge, cell):
    cell.say("sorter slow")
    with start_bridge() as bridge:
        bridge.until_ready()
        order = bridge.post({"bolt": 9}).json()
        bridge.until_state(order["id"], "running")
        bridge.stop(signal.SIGKILL)

    with start_bridge() as bridge:
        assert bridge.http.post(f"/v1/orders/{order['id']}/cancel").json()["cancelling"]

        cancelled = bridge.until_state(order["id"], "cancelled", "failed")
        assert (cancelled["state"], cancelled["message"]) == ("cancelled", "left off, the arm holds")


def test_an_order_fails_with_the_reason_when_bridge_and_sorter_both_died(start_bridge, lonely_environment):
    with start_bridge(environment=lonely_environment) as bridge, running_cell(lonely_environment) as doomed:
        doomed.say("sorter slow")
        order = bridge.post({"bolt": 2}).json()
        bridge.until_state(order["id"], "running")
        bridge.stop(signal.SIGKILL)
        doomed.kill()

    with (
        running_cell(lonely_environment) as fresh,
        start_bridge(environment=lonely_environment) as bridge,
    ):
        failed = bridge.until_state(order["id"], "succeeded", "failed")
        assert failed["state"] == "failed"
        assert "the sorter no longer knows the order that it was given; 0 of 2 parts" in failed["message"]
        assert fresh.executed() == []


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
