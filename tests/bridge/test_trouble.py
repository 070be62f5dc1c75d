"""A file of orders that is locked, full or gone is told with words and 503; nothing is lost, and it comes back."""

from __future__ import annotations

import resource
from contextlib import contextmanager

import pytest
from tests.bridge.running import locked, until

ONE_BYTE = 1


@contextmanager
def full(bridge):
    """No file of the bridge's process grows or changes beyond its first byte."""
    process_id = bridge.process.pid
    before = resource.prlimit(process_id, resource.RLIMIT_FSIZE, (ONE_BYTE, resource.RLIM_INFINITY))
    yield
    resource.prlimit(process_id, resource.RLIMIT_FSIZE, before)


@contextmanager
def gone(bridge):
    file, elsewhere = (bridge.data_dir / name for name in ("bridge.db", "elsewhere"))
    file.rename(elsewhere)
    yield
    elsewhere.rename(file)


@pytest.mark.parametrize(
    ("trouble", "got"),
    [
        (locked, "a database that is locked"),
        (full, "a disk that is full or broken"),
        (gone, "not there any more"),
    ],
)
def test_an_order_runs_on_and_those_who_post_are_told_to_come_again(bridge, cell, trouble, got):
    cell.say("sorter steady")
    order = bridge.post({"bolt": 2}).json()
    bridge.until_state(order["id"], "running")
    key = {"Idempotency-Key": trouble.__name__}
    with trouble(bridge):
        answer = bridge.post({"nut": 1}, **key)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:trunnion:problem:database-away")
        assert got in answer.json()["got"]
        assert answer.headers["Retry-After"] == "2"
        assert bridge.http.get("/healthz").status_code == 200
        assert bridge.state()["order"]["id"] == order["id"]
        until(lambda: order["id"] in cell.executed())

    cell.say("sorter quick")
    again = until(lambda: (said := bridge.post({"nut": 1}, **key)).status_code == 201 and said.json())
    done = bridge.until_state(order["id"], "succeeded", "failed")
    assert (done["state"], done["sorted"]) == ("succeeded", 2)
    assert bridge.until_state(again["id"], "succeeded", "failed")["state"] == "succeeded"
    assert [cell.executed().count(one["id"]) for one in (order, again)] == [1, 1]
    bridge.until_ready()
