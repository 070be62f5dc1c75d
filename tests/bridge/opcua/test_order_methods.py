"""Orders by OPC UA: the same ledger, checks, idempotency and audit as over REST, and refusals in words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from tests.bridge.opcua.clients import ask, call, order, said
from tests.bridge.running import locked, until

from trunnion_bridge.opcua.order_methods import order_from
from trunnion_bridge.problem import Refused

STATUS = ua.StatusCodes


def place(where, *arguments):
    return ask(where, lambda client, index: call(client, index, "PlaceOrder", *arguments))


def test_an_order_by_opc_ua_is_an_order(open_bridge, open_place):
    placed = place(open_place, *order(["gear", "nut"], [1, 1], "A", "erp-1"))

    order_id, number, state, is_new = (output.Value for output in placed.OutputArguments)
    assert (state, is_new) == ("queued", True)
    known = open_bridge.until_state(order_id, "succeeded")
    assert (known["number"], known["bin"], known["sorted"]) == (number, "A", 2)
    got = ask(open_place, lambda client, index: call(client, index, "GetOrder", ua.Variant(order_id)))
    assert [output.Value for output in got.OutputArguments] == ["succeeded", 2, 2, known["message"]]


def test_the_same_key_gives_the_same_order_whichever_way_it_comes(open_bridge, open_place):
    first = place(open_place, *order(["nut"], [2], "B", "erp-2"))
    again = place(open_place, *order(["nut"], [2], "B", "erp-2"))
    over_rest = open_bridge.post({"nut": 2}, **{"Idempotency-Key": "erp-2"})
    other = place(open_place, *order(["nut"], [3], "B", "erp-2"))

    order_id = first.OutputArguments[0].Value
    assert [again.OutputArguments[0].Value, over_rest.json()["id"]] == [order_id, order_id]
    assert (again.OutputArguments[3].Value, over_rest.status_code) == (False, 200)
    assert other.StatusCode.value == STATUS.BadEntryExists
    assert f"wanted the content of order {order_id}" in said(other)
    assert [status.value for status in other.InputArgumentResults][3] == STATUS.BadEntryExists


def test_an_order_is_cancelled_once_and_both_ways_see_it(open_bridge, open_place, cell):
    cell.say("sorter slow")
    placed = place(open_place, *order(["gear"], [3]))
    order_id = placed.OutputArguments[0]

    async def cancel(client, index):
        return await call(client, index, "CancelOrder", order_id)

    cancelled = ask(open_place, cancel)
    open_bridge.until_state(order_id.Value, "cancelled")
    again = ask(open_place, cancel)

    assert cancelled.StatusCode.is_good()
    assert again.StatusCode.value == STATUS.BadInvalidState
    assert "an order that was cancelled" in said(again)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (
            order(["cog"], [1]),
            "BadInvalidArgument",
            "parts[0]: got 'cog', wanted one of gear, bolt, nut. Next:",
        ),
        (order(["gear"], [1], "Z"), "BadInvalidArgument", "bin: got 'Z', wanted one of A, B"),
        (order(["gear"], [99]), "BadInvalidArgument", "quantities[0]: got 99 parts, wanted at most 9"),
        (order(["gear"], [0]), "BadInvalidArgument", "quantities[0]: got 0"),
        (order(["gear", "gear"], [1, 1]), "BadInvalidArgument", "parts[1]: got 'gear' for the second time"),
        (order(["gear", "nut"], [1]), "BadInvalidArgument", "quantities: got 1 for 2 parts"),
        (order([], []), "BadInvalidArgument", "parts: got []"),
        (order(["gear"], [1], "B", "a b"), "BadInvalidArgument", "idempotencyKey: got 'a b'"),
        (
            order(["gear"], [1], "B", "", datetime(2020, 1, 1, tzinfo=UTC)),
            "BadInvalidArgument",
            "deadline: got 2020",
        ),
        (order(["gear"], [1])[:2], "BadArgumentsMissing", ""),
        (
            [*order(["gear"], [1], "B", "k", datetime(2040, 1, 1, tzinfo=UTC)), ua.Variant(1)],
            "BadTooManyArguments",
            "",
        ),
        (
            [ua.Variant(1), ua.Variant("x"), ua.Variant(None)],
            "BadInvalidArgument",
            "parts: got 1, wanted an array",
        ),
    ],
)
def test_what_cannot_be_ordered_is_refused_in_words(open_bridge, open_place, arguments, status, words):
    refused = place(open_place, *arguments)

    assert refused.StatusCode.value == getattr(STATUS, status)
    assert said(refused).startswith(words)


def test_an_order_that_is_not_there_is_not_found(open_bridge, open_place):
    for name in ("CancelOrder", "GetOrder"):
        refused = ask(
            open_place, lambda client, index, name=name: call(client, index, name, ua.Variant("no\0ne"))
        )
        assert refused.StatusCode.value == STATUS.BadNotFound
        assert said(refused).startswith("orderId: got 'no\\x00ne'")


def test_what_was_asked_for_is_in_the_audit_log_and_told_as_it_comes(open_bridge, open_place):
    with open_bridge.connect("/v1/events?topics=audit", max_size=None) as told:
        assert json.loads(told.recv(timeout=5))["type"] == "snapshot"
        placed = place(open_place, *order(["nut"], [1]))
        place(open_place, *order(["cog"], [1]))
        heard = [json.loads(told.recv(timeout=10))["data"] for _ in range(2)]

    refused, done = open_bridge.http.get("/v1/audit", params={"action": "order.create", "limit": 2}).json()[
        "entries"
    ]

    assert (done["outcome"], done["subject"]) == ("done", placed.OutputArguments[0].Value)
    assert (refused["outcome"], refused["code"]) == ("refused", "unknown-part")
    assert {(one["via"], one["role"], one["address"]) for one in (done, refused)} == {
        ("local", "admin", "127.0.0.1")
    }
    assert done["request_id"] != refused["request_id"]
    assert [entry["number"] for entry in heard] == [done["number"], refused["number"]]


def test_a_database_that_is_away_is_a_status_with_words_and_passes(open_bridge, open_place):
    arguments = order(["nut"], [1], "B", "while-away")
    with locked(open_bridge):
        refused = place(open_place, *arguments)
        x = ask(open_place, lambda client, index: client.get_node(f"ns={index};s=Cell/Arm/X").read_value())

    assert refused.StatusCode.value == STATUS.BadResourceUnavailable
    assert "got a database that is locked" in said(refused)
    assert isinstance(x, float), "the robot is shown all the same"
    placed = until(lambda: (again := place(open_place, *arguments)).StatusCode.is_good() and again)
    open_bridge.until_state(placed.OutputArguments[0].Value, "succeeded")
    assert open_bridge.http.get("/healthz").json()["live"]


def test_the_example_in_the_chapter_does_what_it_says(
    open_bridge, open_place, repository, ros_process_environment
):
    chapter = (repository / "ros2_ws/src/trunnion_bridge/trunnion_bridge/opcua/README.md").read_text()
    program, shown = chapter.split("```python\n")[1].split("```\n```\n")
    shown = shown.split("```")[0].splitlines()
    program = program.replace("opc.tcp://127.0.0.1:4840/trunnion", open_place.url)
    until(lambda: open_bridge.state()["queued"] == 0, what="the end of the orders of other tests")
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=ros_process_environment,
        capture_output=True,
        text=True,
        check=True,
    )

    said_now = ran.stdout.splitlines()
    assert said_now[:1] + said_now[2:5] == shown[:1] + shown[2:5]
    assert re.fullmatch(r"order \d+ is queued", said_now[5])
    assert re.fullmatch(r"order \d+ is queued", shown[5])


def test_a_key_and_a_deadline_may_be_left_out_or_be_none():
    never = datetime(1601, 1, 1, tzinfo=UTC)
    later = datetime.now(UTC) + timedelta(hours=1)

    assert [order_from(order(["nut"], [1], "B", *more))[1] for more in ((), ("",), ("k",))] == [
        None,
        None,
        "k",
    ]
    deadlines = [order_from(order(["nut"], [1], "B", "k", at))[0].deadline for at in (never, later)]
    assert deadlines == [None, later]


def test_quantities_that_are_no_whole_numbers_are_refused():
    for value in (True, 1.5, "2", None):
        arguments = order(["nut"], [1])
        arguments[1] = ua.Variant([value], is_array=True)
        with pytest.raises(Refused, match=r"quantity"):
            order_from(arguments)
