"""Orders by VDA5050: taken once, refused with the right name, cancelled, remembered."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from tests.bridge.mosquitto import instant, order, sort

from trunnion_bridge.catalogue import read_catalogue
from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.outward.vda5050.book import Book
from trunnion_bridge.outward.vda5050.condition import Condition
from trunnion_bridge.outward.vda5050.dialect import DIALECTS
from trunnion_bridge.outward.vda5050.fault import Rejected
from trunnion_bridge.outward.vda5050.vehicle import Vehicle
from trunnion_bridge.store import Store

HEADER = {
    "headerId": 1,
    "timestamp": "2026-01-01T00:00:00.000Z",
    "manufacturer": "trunnion",
    "serialNumber": "cell",
}


class Cell:
    """A vehicle and the queue behind it; calls are made one after the other."""

    def __init__(self, database, catalogue, dialect) -> None:
        self.dialect = dialect
        self.store = Store(database)
        self._book = Book(database)
        self._ledger = Ledger(self.store, lambda: None)
        self._catalogue = catalogue
        self.breaks = False
        self.reopen()

    def reopen(self) -> None:
        """As a bridge that starts anew."""
        self.vehicle = Vehicle(self.dialect, self._book, self._post, self._ledger.cancel, self._ledger.get)
        asyncio.run(self.vehicle.open())

    async def _post(self, request, key):
        self._catalogue.check(request)
        if self.breaks:
            raise OperationalError("INSERT", {}, Exception("disk full"))
        return (await self._ledger.post(request, key, 100))[0]

    def order(self, message):
        return asyncio.run(self.vehicle.take_order(self._said(message)))

    def instant(self, message):
        return asyncio.run(self.vehicle.take_instant_actions(self._said(message)))

    def _said(self, message):
        if isinstance(message, bytes):
            return message
        return json.dumps({**HEADER, "version": self.dialect.version, **message}).encode()

    def end(self, state="succeeded"):
        """Everything in the queue runs to its end."""
        while up := self.store.next_up():
            if up.state == "queued":
                self.store.hand_over(up.id)
            self.vehicle.hear(self.store.finish(up.id, "cancelled" if up.cancelling else state, "done", 1))

    @property
    def state(self):
        return self.vehicle.state(Condition())

    def actions(self):
        return {one["actionId"]: one["actionStatus"] for one in self.state["actionStates"]}

    def errors(self):
        return [error["errorType"] for error in self.state["errors"]]

    def refuses(self, call, fault):
        with pytest.raises(Rejected) as rejected:
            call()
        assert rejected.value.fault == fault
        assert self.dialect.errors[fault] in self.errors()
        return rejected.value


@pytest.fixture(scope="module")
def catalogue(bundle):
    return read_catalogue(bundle)


@pytest.fixture(params=["2", "3"])
def cell(request, tmp_path, catalogue):
    with Database(sqlite_url(tmp_path / "bridge.db")) as database:
        yield Cell(database, catalogue, DIALECTS[request.param])


def test_an_order_comes_into_the_queue_and_is_told_until_its_end(cell):
    assert (cell.state["orderId"], cell.state["orderUpdateId"], cell.errors()) == ("", 0, [])
    cell.order(order("o-1", 0, ("gear", 2), ("nut", 1)))

    queued = cell.store.next_up()
    assert [(line.part, line.quantity) for line in queued.lines] == [("gear", 2), ("nut", 1)]
    assert cell.actions() == {"o-1.0.0": "WAITING", "o-1.0.1": "WAITING"}
    cell.store.hand_over(queued.id)
    cell.store.start(queued.id)
    news = {"phase": "pick", "part": "nut", "sorted_parts": 2, "message": "picking a nut"}
    cell.vehicle.hear(cell.store.progress(queued.id, **news))
    assert cell.actions() == {"o-1.0.0": "WAITING", "o-1.0.1": "RUNNING"}
    cell.end()
    assert cell.actions() == {"o-1.0.0": "FINISHED", "o-1.0.1": "FINISHED"}
    assert (cell.state["orderId"], cell.state["lastNodeId"], cell.state["nodeStates"]) == ("o-1", "cell", [])


def test_the_same_order_again_changes_nothing_and_another_with_its_ids_is_an_error(cell):
    cell.order(order("o-1", 0, ("gear", 2)))
    cell.order(order("o-1", 0, ("gear", 2)))
    assert cell.store.counts()["queued"] == 1
    cell.refuses(lambda: cell.order(order("o-1", 0, ("gear", 3))), "same-id")
    references = {
        one["referenceKey"]: one["referenceValue"] for one in cell.state["errors"][0]["errorReferences"]
    }
    assert references == {"orderId": "o-1", "orderUpdateId": "0"}
    assert cell.store.counts()["queued"] == 1
    cell.end()
    cell.order(order("o-1", 0, ("gear", 2)))
    assert cell.errors() != []  # until another is taken
    cell.order(order("o-2"))
    assert cell.errors() == []
    cell.end()
    cell.refuses(lambda: cell.order(order("o-1", 0, ("gear", 3))), "same-id")
    assert sum(cell.store.counts().values()) == 2


def test_an_update_brings_what_is_new_in_it(cell):
    first = order("o-1", 0, ("gear", 1))
    more = {"nodeId": "next", "sequenceId": 2, "released": True, "actions": [sort("more", "nut", 1)]}
    cell.order(first)
    cell.order({**first, "orderUpdateId": 3, "nodes": [*first["nodes"], more]})

    assert cell.state["orderUpdateId"] == 3
    assert cell.actions() == {"o-1.0.0": "WAITING", "more": "WAITING"}
    assert [order.lines[0].part for order in cell.store.page(10)] == ["nut", "gear"]
    cell.refuses(lambda: cell.order(first), "outdated")
    cell.end()
    assert cell.state["lastNodeId"] == "next"


def test_what_is_not_released_waits_for_the_update_that_releases_it(cell):
    first = order("o-1", 0, ("gear", 1))
    later = {"nodeId": "next", "sequenceId": 2, "released": False, "actions": [sort("later", "nut", 1)]}
    cell.order({**first, "nodes": [*first["nodes"], later]})
    cell.end()
    assert "later" not in cell.actions()
    assert cell.state["nodeStates"] == [{"nodeId": "next", "sequenceId": 2, "released": False}]
    cell.refuses(lambda: cell.order(order("o-2")), "other-active")
    cell.order({**first, "orderUpdateId": 1, "nodes": [*first["nodes"], {**later, "released": True}]})
    cell.end()
    assert cell.actions()["later"] == "FINISHED"


def test_another_order_waits_for_the_end_of_the_first(cell):
    cell.order(order("o-1"))
    cell.refuses(lambda: cell.order(order("o-2")), "other-active")
    assert cell.store.counts()["queued"] == 1


def test_a_cancelled_order_ends_and_is_not_continued(cell):
    cell.order(order("o-1"))
    running = cell.store.next_up()
    cell.store.hand_over(running.id)
    cell.vehicle.hear(cell.store.start(running.id))
    cell.instant(instant("c-1", "cancelOrder"))
    cell.instant(instant("c-1", "cancelOrder"))
    states = "instantActionStates" if cell.dialect is DIALECTS["3"] else "actionStates"
    said = lambda: {one["actionId"]: one["actionStatus"] for one in cell.state[states]}["c-1"]  # noqa: E731
    assert (said(), cell.store.next_up().cancelling) == ("RUNNING", True)
    cell.end()
    assert (said(), cell.actions()["o-1.0.0"]) == ("FINISHED", "FAILED")
    cell.refuses(lambda: cell.order(order("o-1", 1)), "after-cancel")
    cell.refuses(lambda: cell.instant(instant("c-2", "cancelOrder")), "nothing-to-cancel")
    cell.order(order("o-2"))
    assert cell.store.counts()["queued"] == 1


def test_instant_actions_that_the_cell_does_not_know_are_errors_and_states_are_cleared(cell):
    rejected = cell.refuses(lambda: cell.instant(instant("i-1", "startCharging")), "instant-action")
    assert rejected.references == {"actionId": "i-1"}
    cell.instant(instant("i-2", "stateRequest"))
    assert cell.errors() == []
    cell.instant(instant("i-3", "clearInstantActions"))
    told = cell.state["actionStates"] + cell.state.get("instantActionStates", [])
    assert [one["actionId"] for one in told] == ["i-3"]
    for number in range(100):
        cell.instant(instant(f"s-{number}", "stateRequest"))
    assert len(cell.state["actionStates"] + cell.state.get("instantActionStates", [])) == 32


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (b"", "malformed"),
        (b"{}", "malformed"),
        (b"[" * 5000, "malformed"),
        (b'{"orderId": "\xff"}', "malformed"),
        (order("", 0), "malformed"),
        (order("o\0", 0), "malformed"),
        (order("o\ud800", 0), "malformed"),
        (order("o", -1), "malformed"),
        (order("o", 2**32), "malformed"),
        (order("o", 0, version="9.0.0"), "malformed"),
        (order("o", 0, nodes=[]), "malformed"),
        (order("o", 0, ("cog", 1)), "order"),
        (order("o", 0, ("gear", 0)), "order"),
        (order("o", 0, ("gear", 10**30)), "order"),
        (order("o", 0, ("gear", 1.5)), "order"),
        (order("o", 0, ("gear", True)), "order"),
        (order("o", 0, ([], 1)), "order"),
        (order("o", 0, ("gear", 1, "Z")), "order"),
        (order("o", 0, ("gear", 1), ("nut", 1, "A")), "order"),
        (order("o", 0, nodes=[{"nodeId": "n", "sequenceId": 0, "released": True, "actions": []}]), "order"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(cell, message, fault):
    cell.refuses(lambda: cell.order(message), fault)
    assert sum(cell.store.counts().values()) == 0
    assert cell.state["orderId"] == ""
    cell.order(order("o", 0))
    assert cell.errors() == []


def test_two_actions_with_one_id_are_refused(cell):
    twice = order("o", 0)
    twice["nodes"][0]["actions"] *= 2
    cell.refuses(lambda: cell.order(twice), "order")


def test_a_bridge_that_starts_anew_goes_on_with_the_order(cell):
    cell.order(order("o-1"))
    cell.reopen()
    assert (cell.state["orderId"], cell.actions()) == ("o-1", {"o-1.0.0": "WAITING"})
    cell.order(order("o-1"))
    assert cell.store.counts()["queued"] == 1
    cell.end()
    assert cell.actions() == {"o-1.0.0": "FINISHED"}


def test_an_order_that_was_written_down_and_did_not_reach_the_queue_is_taken_when_it_comes_again(cell):
    cell.breaks = True
    with pytest.raises(OperationalError):
        cell.order(order("o-1"))
    cell.reopen()
    assert cell.state["orderId"] == ""
    cell.breaks = False
    cell.order(order("o-1"))
    assert cell.store.counts()["queued"] == 1


def test_an_order_that_ended_before_the_vehicle_heard_of_it_is_told_as_ended(cell):
    real = cell._ledger.post

    async def post_and_end(*arguments):
        made, is_new = await real(*arguments)
        cell.store.cancel(made.id)
        return made, is_new

    cell._ledger.post = post_and_end
    cell.order(order("o-1"))
    assert cell.actions() == {"o-1.0.0": "FAILED"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["orderId", "orderUpdateId", "nodes", "edges", "version", "headerId", "actions"]),
    anything,
    st.binary(max_size=60),
)
def test_whatever_comes_is_taken_or_refused_and_the_state_can_be_told(cell, field, value, raw):
    messages = [
        json.dumps({**HEADER, "version": cell.dialect.version, **order(), field: value}).encode(),
        json.dumps({**HEADER, "version": cell.dialect.version, **instant("i", "x"), field: value}).encode(),
        raw,
    ]
    deep = order()
    deep["nodes"][0]["actions"][0]["actionParameters"][0]["value"] = value
    messages.append(json.dumps({**HEADER, "version": cell.dialect.version, **deep}).encode())
    for message in messages:
        for take in (cell.order, cell.instant):
            with suppress(Rejected):
                take(message)
            json.dumps(cell.state)


def test_the_state_has_what_its_version_wants(cell):
    cell.order(order())
    both = {"orderId", "orderUpdateId", "lastNodeId", "lastNodeSequenceId", "driving", "operatingMode", "nodeStates",
            "edgeStates", "actionStates", "errors", "safetyState"}  # fmt: skip
    own = {"2": {"batteryState"}, "3": {"powerSupply", "instantActionStates"}}
    number = next(key for key, dialect in DIALECTS.items() if dialect is cell.dialect)
    assert set(cell.state) == both | own[number]


def test_the_factsheet_is_wanted_once_for_each_request(cell):
    assert not cell.vehicle.takes_factsheet_request()
    cell.instant(instant("f-1", "factsheetRequest"))
    cell.instant(instant("f-1", "factsheetRequest"))

    states = cell.state["instantActionStates" if cell.dialect.has_instant_states else "actionStates"]
    assert [(one["actionType"], one["actionStatus"]) for one in states] == [("factsheetRequest", "FINISHED")]
    assert [cell.vehicle.takes_factsheet_request() for _ in range(2)] == [True, False]
