"""An order goes in over REST, and what becomes of it can be seen."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from tests.bridge.running import ORDER_MAX

NUT = {"part": "nut", "quantity": 1}
QUANTITY = "body.lines.0.quantity"
TOO_MANY = f"at most {ORDER_MAX} parts in one order"
NOT_EMPTY = "list should have at least 1 item after validation, not 0"


def gears(quantity: object, *more: dict[str, object]) -> dict[str, object]:
    return {"lines": [{"part": "gear", "quantity": quantity}, *more], "bin": "B"}


# What is ordered, the problem's code, where it is, and what was wanted there.
BAD_ORDERS = {
    "an unknown part": (
        gears(1, {**NUT, "part": "cog"}),
        "unknown-part",
        "lines.1.part",
        "one of gear, bolt, nut",
    ),
    "an unknown bin": ({"lines": [NUT], "bin": "Z"}, "unknown-bin", "bin", "one of A, B"),
    "-1 parts": (gears(-1), "invalid", QUANTITY, "greater than or equal to 1"),
    "0 parts": (gears(0), "invalid", QUANTITY, "greater than or equal to 1"),
    "10,000 parts": (gears(10_000), "too-many-parts", "lines.0.quantity", TOO_MANY),
    "parts beyond all measure": (gears(10**30), "too-many-parts", "lines.0.quantity", TOO_MANY),
    "too many in all": (gears(6, {**NUT, "quantity": 6}), "too-many-parts", "lines", TOO_MANY),
    "a part twice": (gears(1, NUT, NUT), "duplicate-part", "lines.2.part", "each part in one line"),
    "half a part": (gears(1.5), "invalid", QUANTITY, "a valid integer"),
    "a yes for a number": (gears(True), "invalid", QUANTITY, "a valid integer"),
    "a text for a number": (gears("2"), "invalid", QUANTITY, "a valid integer"),
    "no lines": ({"lines": [], "bin": "B"}, "invalid", "body.lines", NOT_EMPTY),
    "no bin": ({"lines": [NUT]}, "invalid", "body.bin", "field required"),
    "an unknown key": (
        {**gears(1), "colour": "red"},
        "invalid",
        "body.colour",
        "extra inputs are not permitted",
    ),
    "a list": ([], "invalid", "body", "a valid dictionary or object to extract fields from"),
}


def test_an_order_is_accepted_and_sorted(bridge):
    answer = bridge.post({"gear": 2, "bolt": 1}, "B")

    assert answer.status_code == 201
    order = answer.json()
    assert answer.headers["Location"] == f"/v1/orders/{order['id']}"
    assert (order["state"], order["requested"], order["bin"]) == ("queued", 3, "B")
    done = bridge.until_state(order["id"], "succeeded", "failed")
    assert (done["state"], done["sorted"], done["message"]) == ("succeeded", 3, "3 parts lie in bin B")
    assert [event["state"] for event in done["events"]][:3] == ["queued", "starting", "running"]
    assert done["events"][-1]["state"] == "succeeded"
    assert done["created_at"] <= done["started_at"] <= done["ended_at"]


def test_orders_run_one_at_a_time_in_the_order_of_their_posting(bridge):
    ids = [bridge.post({"nut": 1}).json()["id"] for _ in range(3)]

    done = [bridge.until_state(order_id, "succeeded") for order_id in ids]

    for before, after in pairwise(done):
        assert before["number"] < after["number"]
        assert before["ended_at"] <= after["started_at"]


@pytest.mark.parametrize("case", BAD_ORDERS)
def test_a_bad_order_is_refused_with_what_was_wanted(bridge, case):
    body, code, where, wanted = BAD_ORDERS[case]
    newest = bridge.http.get("/v1/orders", params={"limit": 1}).json()["orders"]

    answer = bridge.http.post("/v1/orders", json=body)

    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:trunnion:problem:{code}"
    assert (answer.status_code, problem["status"], problem["instance"]) == (422, 422, "/v1/orders")
    assert (problem["where"], problem["wanted"]) == (where, wanted)
    assert problem["got"]
    assert problem["next"]
    # Nothing was added: the newest order is the one that was.
    after = bridge.http.get("/v1/orders", params={"limit": 1}).json()["orders"]
    assert [order["id"] for order in after] == [order["id"] for order in newest]


def test_a_misspelt_part_is_met_with_the_nearest_one(bridge):
    assert bridge.post({"gaer": 1}).json()["next"] == "did you mean 'gear'?"


def test_what_is_not_json_is_refused(bridge):
    answer = bridge.http.post("/v1/orders", content=b"{", headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:trunnion:problem:malformed")


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_cut_off(bridge, announced):
    content = b" " * 100_000 if announced else (b" " * 1000 for _ in range(100))

    answer = bridge.http.post("/v1/orders", content=content, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (413, "urn:trunnion:problem:too-large")
    assert answer.json()["wanted"] == "at most 65536 bytes"


def test_the_same_key_with_the_same_order_gives_the_same_order(bridge):
    key = {"Idempotency-Key": uuid.uuid4().hex}

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: bridge.post({"nut": 1}, **key), range(8)))

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]


def test_the_same_key_with_another_order_is_refused(bridge):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = bridge.post({"nut": 1}, **key)

    for other in (bridge.post({"nut": 2}, **key), bridge.post({"nut": 1}, "A", **key)):
        assert other.status_code == 409
        assert other.json()["type"] == "urn:trunnion:problem:idempotency-conflict"
        assert first.json()["id"] in other.json()["wanted"]


def test_an_order_that_the_sorter_gives_up_fails_with_its_reason(bridge, cell):
    cell.say("sorter fail")

    failed = bridge.until_state(bridge.post({"bolt": 2}).json()["id"], "failed")

    assert (failed["sorted"], failed["message"]) == (1, "the policy node fell silent")


def test_a_running_order_is_cancelled_when_the_sorter_has_left_off(bridge, cell):
    cell.say("sorter slow")
    order = bridge.post({"bolt": 2}).json()
    bridge.until_state(order["id"], "running")

    assert bridge.http.post(f"/v1/orders/{order['id']}/cancel").status_code == 202

    assert bridge.until_state(order["id"], "cancelled", within_s=3)["message"] == "left off, the arm holds"


def test_a_queued_order_is_cancelled_at_once_and_never_runs(bridge, cell):
    cell.say("sorter slow")
    first, second = bridge.post({"bolt": 1}).json(), bridge.post({"nut": 1}).json()

    cancelled = bridge.http.post(f"/v1/orders/{second['id']}/cancel").json()

    assert cancelled["state"] == "cancelled"
    bridge.until_state(first["id"], "succeeded")
    assert bridge.order(second["id"])["started_at"] is None


def test_an_order_that_has_ended_cannot_be_cancelled(bridge):
    order = bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")

    answer = bridge.http.post(f"/v1/orders/{order['id']}/cancel")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:trunnion:problem:already-ended")
    assert bridge.order(order["id"])["state"] == "succeeded"


def test_the_list_pages_through_all_orders_newest_first(bridge):
    for _ in range(3):
        bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")
    everything = bridge.http.get("/v1/orders", params={"limit": 200}).json()
    whole = [order["number"] for order in everything["orders"]]

    numbers, path = [], "/v1/orders?limit=2"
    while path:
        page = bridge.http.get(path).json()
        numbers += [order["number"] for order in page["orders"]]
        path = page["next"]

    assert numbers == whole == sorted(whole, reverse=True)


@pytest.mark.parametrize("path", ["/v1/orders/none-such", "/v1/orders/%00", "/v1/orders/none-such/cancel"])
def test_an_unknown_order_is_not_found(bridge, path):
    answer = bridge.http.request("POST" if path.endswith("cancel") else "GET", path)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:trunnion:problem:not-found")
