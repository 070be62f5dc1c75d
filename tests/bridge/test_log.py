"""The log says what happened, to which request and which order, in a form that a machine reads."""

from __future__ import annotations

import asyncio
import json
import logging
from types import SimpleNamespace

import pytest

from trunnion_bridge import correlation
from trunnion_bridge.correlation import HEADER
from trunnion_bridge.guard import RequestClock
from trunnion_bridge.log import start_log
from trunnion_bridge.metrics import Metrics


@pytest.fixture(autouse=True)
def _log_of_before():
    """Leave the log to the tests after these as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_a_line_of_json_carries_request_order_and_exception(capsys):
    start_log("json")
    correlation.request_id.set("r-1")
    try:
        raise ValueError("a reason")
    except ValueError:
        logging.getLogger("trunnion.bridge").exception("line\nbreak", extra={"order_id": "o-1"})
    finally:
        correlation.request_id.set("")

    line = json.loads(capsys.readouterr().err)
    assert (line["request_id"], line["order_id"]) == ("r-1", "o-1")
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "trunnion.bridge", "line\nbreak")
    assert "ValueError: a reason" in line["exception"]
    assert line["at"].endswith("+00:00")


def test_a_line_for_people_names_what_it_belongs_to_at_its_end(capsys):
    start_log("text")
    with correlation.of_order("o-2"):
        logging.getLogger("trunnion.bridge").info("sorted\nERROR forged")
    logging.getLogger("trunnion.bridge").info("alone")

    sorted_line, alone = capsys.readouterr().err.splitlines()
    assert sorted_line.endswith("trunnion.bridge: sorted\\nERROR forged order=o-2")
    assert alone.endswith("trunnion.bridge: alone")


@pytest.mark.parametrize(
    ("method", "path", "status", "lines"),
    [
        ("POST", "/v1/orders", 201, 1),
        ("GET", "/v1/orders", 200, 0),
        ("POST", "/v1/infer", 200, 0),
        ("POST", "/v1/infer", 503, 1),
    ],
)
def test_what_changes_something_or_breaks_is_a_line_and_a_look_is_none(caplog, method, path, status, lines):
    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": status})

    async def sent(message):
        pass

    scope = {"type": "http", "method": method, "route": SimpleNamespace(path=path)}
    with caplog.at_level(logging.INFO, "trunnion.bridge"):
        asyncio.run(RequestClock(answer, Metrics())(scope, None, sent))
    assert len(caplog.records) == lines


def test_the_life_of_an_order_can_be_read_in_the_log_by_its_id(start_bridge, cell, tmp_path):
    with start_bridge("--log-format", "json") as bridge:
        bridge.until_ready()
        answer = bridge.post({"nut": 1}, **{HEADER: "erp-1"})
        order = answer.json()["id"]
        bridge.until_state(order, "succeeded")

    lines = [
        json.loads(line) for line in (tmp_path / "data/bridge.log").read_text().splitlines() if line[0] == "{"
    ]
    posted = [line["message"] for line in lines if line["request_id"] == "erp-1"]
    assert posted[0].endswith("queued: the order is in the queue")
    assert posted[1].startswith("POST /v1/orders 201")
    told = " / ".join(line["message"] for line in lines if line["order_id"] == order)
    places = [told.find(f", {state}: ") for state in ("queued", "starting", "running", "succeeded")]
    assert -1 < places[0] < places[1] < places[2] < places[3]
