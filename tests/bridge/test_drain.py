"""SIGTERM lets the order that runs come to its end, when it is told how long that may take."""

from __future__ import annotations

import signal

import pytest
from tests.bridge.running import until


@pytest.fixture
def draining(start_bridge, cell):
    """A bridge that was told to stop in the middle of an order, that order, and one that waits."""
    cell.say("sorter slow")
    with start_bridge("--drain-s", "30") as bridge:
        bridge.until_ready()
        running, waiting = (bridge.post({part: 1}).json()["id"] for part in ("bolt", "nut"))
        bridge.until_state(running, "running")
        bridge.process.send_signal(signal.SIGTERM)
        until(lambda: bridge.http.get("/readyz").status_code == 503, what="a bridge that drains")
        yield bridge, running, waiting


def test_the_order_that_runs_ends_as_it_would_and_the_next_one_waits_for_the_next_bridge(
    draining, start_bridge, cell
):
    bridge, running, waiting = draining
    told = {check["name"]: check["message"] for check in bridge.http.get("/readyz").json()["checks"]}
    assert told["drain"] == "is about to stop, takes no further order"
    assert bridge.http.get("/healthz").status_code == 200
    later = bridge.post({"nut": 1})
    assert later.status_code == 201

    assert bridge.process.wait(timeout=20) == 0

    cell.say("sorter quick")
    with start_bridge() as after:
        assert after.order(running)["message"] == "1 parts lie in bin B"
        assert after.until_state(waiting, "succeeded")
        assert after.until_state(later.json()["id"], "succeeded")
        assert cell.executed().count(running) == 1


def test_a_second_signal_ends_the_wait(draining, start_bridge):
    bridge, running, _ = draining

    assert bridge.stop() == 0

    with start_bridge() as after:
        assert after.order(running)["state"] == "cancelled"


@pytest.mark.parametrize("given", ["-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(given, bundle, tmp_path, capsys):
    from trunnion_bridge.main import main

    assert main(["--bundle", str(bundle), "--data-dir", str(tmp_path), "--drain-s", given]) == 2
    assert "--drain-s" in capsys.readouterr().err
