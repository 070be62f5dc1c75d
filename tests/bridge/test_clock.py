"""Clocks jump: by a day either way, whenever they like. No order is lost or doubled, nobody stays who should not."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from tests.bridge.test_dispatcher import Sorter

from trunnion_bridge.access import admission
from trunnion_bridge.access.admission import Admission
from trunnion_bridge.access.limits import Limits
from trunnion_bridge.access.pace import Pace
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.access.tokens import LEEWAY_S
from trunnion_bridge.database import Database
from trunnion_bridge.dispatcher import Dispatcher
from trunnion_bridge.execution import Patience
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.sorting import SortAccepted, SortOutcome
from trunnion_bridge.store import Store

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0
JUMPS_S = (0.0, -DAY_S, DAY_S, -10 * DAY_S, 10 * DAY_S, 1.0, -1.0)
REQUEST = OrderRequest.model_validate({"lines": [{"part": "nut", "quantity": 1}], "bin": "B"})


class Clock:
    def __init__(self):
        self.now_s = NOW_S

    def __call__(self):
        return self.now_s


class JumpingSorter(Sorter):
    """Sorts at once, and lets the clock jump between the order and its end."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock
        self.given = []

    def sort(self, order, run):
        self.given.append(order.id)
        run.tell(SortAccepted())
        self._clock.now_s = NOW_S + JUMPS_S[len(self.given) % len(JUMPS_S)]
        run.tell(SortOutcome("succeeded", 1, "done"))


def until(deadline_s):
    return REQUEST.model_copy(update={"deadline": datetime.fromtimestamp(deadline_s, UTC)})


def test_orders_are_carried_out_once_each_in_their_order_whatever_the_clock_does(database_url):
    clock = Clock()

    async def scenario(store):
        ledger, sorter = Ledger(store, lambda: None), JumpingSorter(clock)
        dispatcher = Dispatcher(ledger, sorter, Patience())
        ids = []
        for number, jump_s in enumerate(JUMPS_S * 2):
            clock.now_s = NOW_S + jump_s
            order, is_new = await ledger.post(REQUEST, f"key {number}", 100)
            clock.now_s = NOW_S - jump_s
            assert is_new
            assert (await ledger.post(REQUEST, f"key {number}", 100))[0].id == order.id
            ids.append(order.id)
        await dispatcher.start()
        while store.counts()["succeeded"] < len(ids):
            await asyncio.sleep(0.01)
        await dispatcher.stop()
        return ids, sorter.given

    with Database(database_url) as database:
        store = Store(database, clock)
        ids, given = asyncio.run(asyncio.wait_for(scenario(store), 20))

        assert given == ids
        assert [order.id for order in reversed(store.page(100))] == ids
        events = [event_id for event_id, _ in store.events_after(0, 1000)]
        assert events == sorted(set(events))


def test_a_deadline_is_kept_by_the_clock_and_an_order_ends_once_though_it_jumps_back(database_url):
    clock = Clock()
    with Database(database_url) as database:
        store = Store(database, clock)
        order, _ = store.create(until(NOW_S + 600), "k", 10)
        clock.now_s -= DAY_S
        assert store.expire() == []

        clock.now_s = NOW_S + DAY_S
        assert [late.id for late in store.expire()] == [order.id]

        clock.now_s = NOW_S
        assert store.expire() == []
        assert store.get(order.id).state == "failed"
        assert store.create(until(NOW_S + 600), "k", 10)[0].id == order.id
        assert store.next_up() is None


class LetsIn:
    """An access that lets ada in until a minute from now."""

    async def caller(self, connection):
        return Caller("ada", Role.VIEWER, NOW_S + 60)

    async def is_valid(self, caller):
        return True


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_a_stream_ends_when_the_clock_jumps_over_the_end_of_its_token(monkeypatch, kind):
    monkeypatch.setattr(admission, "_LOOK_S", 0.02)
    clock, sent = Clock(), []

    async def application(scope, receive, send):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    async def scenario():
        door = Admission(application, LetsIn(), Pace(Limits()), [], clock)
        scope = {"type": kind, "path": "/v1/events", "method": "GET", "query_string": b"", "headers": []}
        stream = asyncio.create_task(door(scope, None, send))
        for back_s in (-DAY_S, DAY_S, 0.0):
            await asyncio.sleep(0.05)
            assert not stream.done()
            clock.now_s = NOW_S + min(back_s, 60 + LEEWAY_S - 1)  # no longer than it would be let in again
        clock.now_s = NOW_S + DAY_S
        await asyncio.wait_for(stream, 5)

    asyncio.run(scenario())
    assert sent[-1].get("code", 1008) == 1008
    assert sent[-1]["type"] in ("websocket.close", "http.response.body")
