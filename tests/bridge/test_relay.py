"""Every change of an order, whichever bridge has written it, is told once and in order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from trunnion_bridge.database import Database
from trunnion_bridge.feed import Feed, TooSlow
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.notices import Notices
from trunnion_bridge.relay import Relay
from trunnion_bridge.store import CHANNEL, Store

REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 2}], "bin": "B"})
NEVER_S = 3600.0


@asynccontextmanager
async def relayed(store, look_s=NEVER_S):
    heard = []
    relay = Relay(store, Feed(), heard.append, look_s)
    await relay.start()
    yield relay, heard
    await relay.stop()


async def until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


def test_changes_made_at_once_are_told_in_the_order_in_which_they_were_written(database_url):
    async def scenario():
        with Database(database_url) as database:
            store = Store(database)
            async with relayed(store) as (relay, heard):
                ledger = Ledger(store, relay.ring)
                order, _ = await ledger.post(REQUEST, None, 10)
                await asyncio.gather(*(ledger.note(order.id, f"news {number}") for number in range(12)))
                await until(lambda: len(heard) == 13)
            assert [change.event for change in heard] == [event.id for event in store.get(order.id).events]

    asyncio.run(scenario())


def test_what_another_bridge_writes_is_told_at_once(postgres):
    async def scenario():
        url = postgres.new_database()
        with Database(url) as here, Database(url) as there:
            async with relayed(Store(here)) as (relay, heard):
                with Notices(here, {CHANNEL: relay.ring}):
                    await asyncio.sleep(0.3)
                    order, _ = await asyncio.to_thread(Store(there).create, REQUEST, None, 10)
                    await until(lambda: heard)
            assert heard == [order]

    asyncio.run(scenario())


def test_what_was_written_while_nobody_could_be_told_is_told_later(postgres):
    async def scenario():
        url = postgres.new_database()
        with Database(url) as here, Database(url) as there:
            async with relayed(Store(here), look_s=0.1) as (_, heard):
                order, _ = await asyncio.to_thread(Store(there).create, REQUEST, None, 10)
                await until(lambda: heard)
            assert heard == [order]

    asyncio.run(scenario())


def test_a_relay_far_behind_sends_its_listeners_away_so_that_they_hear_of_the_gap(database_url):
    async def scenario():
        with Database(database_url) as database:
            store, feed, heard = Store(database, retained=5), Feed(), []
            relay = Relay(store, feed, heard.append, NEVER_S)
            await relay.start()
            with feed.listener() as outbox:
                order, _ = store.create(REQUEST, None, 10)
                for number in range(80):
                    store.note(order.id, f"news {number}")
                relay.ring()
                try:
                    await asyncio.wait_for(outbox.take(), 10)
                    raise AssertionError("the listener was told something")
                except TooSlow:
                    pass
            store.note(order.id, "the latest news")
            relay.ring()
            await until(lambda: heard)
            await relay.stop()
            assert [change.message for change in heard] == ["the latest news"]

    asyncio.run(scenario())
