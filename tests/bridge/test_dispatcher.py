"""What becomes of a running order while the store fails, on a real file that somebody else has locked."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager, closing, contextmanager

from trunnion_bridge.database import Database, sqlite_url
from trunnion_bridge.dispatcher import Dispatcher
from trunnion_bridge.execution import Patience
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.sorting import SortAccepted, SortOutcome, SortUpdate
from trunnion_bridge.store import Store

REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 2}], "bin": "B"})
DONE = SortOutcome("succeeded", 2, "2 parts lie in bin B")
REFUSED = SortOutcome("refused", 0, "the sorter did not take the order")


class Sorter:
    """A robot at the seam that the gateway fills, which says what the test says."""

    sorter_here = True

    def __init__(self):
        self.runs, self.asked, self.left = [], [], []

    def sorter_silence_s(self):
        return 0.0

    def away(self):
        return []

    def sort(self, order, run):
        self.runs.append(run)

    def ask(self, order, run):
        self.asked.append((order.id, run))

    def cancel(self, order_id):
        self.left.append(order_id)


def test_an_outcome_that_cannot_be_written_is_written_when_the_store_answers(tmp_path):
    async def scenario():
        async with dispatched(tmp_path) as (store, sorter, order):
            with locked(tmp_path):
                sorter.runs[0].tell(SortUpdate("pick", "gear", 1, "picking a gear"))
                sorter.runs[0].tell(DONE)
                await asyncio.sleep(0.6)
                assert state(tmp_path) == "running"

            await until(lambda: store.get(order.id).state != "running")
            assert sorter.left == []
            ended = store.get(order.id)
            assert (ended.state, ended.sorted, ended.message) == ("succeeded", 2, DONE.message)

    asyncio.run(scenario())


def test_progress_that_cannot_be_written_does_not_stop_the_order(tmp_path):
    async def scenario():
        async with dispatched(tmp_path) as (store, sorter, order):
            with locked(tmp_path):
                sorter.runs[0].tell(SortUpdate("pick", "gear", 0, "picking a gear"))
                await asyncio.sleep(0.6)
            sorter.runs[0].tell(SortUpdate("place", "gear", 1, "placing a gear"))

            await until(lambda: store.get(order.id).message == "placing a gear")
            assert (store.get(order.id).state, sorter.left) == ("running", [])

    asyncio.run(scenario())


def test_a_sorter_that_answers_late_is_heard_though_it_was_asked_again(tmp_path):
    async def scenario():
        async with dispatched(tmp_path, answers=False) as (store, sorter, order):
            await until(lambda: len(sorter.runs) == 2)
            first, second = sorter.runs
            first.tell(SortAccepted())
            second.tell(REFUSED)
            first.tell(DONE)

            await until(lambda: store.get(order.id).state == "succeeded")
            assert sorter.left == []

    asyncio.run(scenario())


def test_the_sorter_is_told_to_leave_an_order_that_fails_unanswered(tmp_path):
    async def scenario():
        async with dispatched(tmp_path, answers=False, robot_wait_s=0.5) as (store, sorter, order):
            await until(lambda: len(sorter.runs) == 2)
            sorter.runs[1].tell(REFUSED)

            await until(lambda: store.get(order.id).state == "failed")
            assert sorter.left == [order.id]

    asyncio.run(scenario())


def nothing():
    """Nobody listens."""


def test_a_sorter_that_was_started_anew_says_so_when_it_is_asked_after_a_while(tmp_path):
    async def scenario():
        async with dispatched(tmp_path, quiet_max_s=0.1) as (store, sorter, order):
            await until(lambda: sorter.asked)
            sorter.asked[0][1].tell(SortOutcome("unknown", 0, ""))

            await until(lambda: store.get(order.id).state == "failed")
            assert "no longer knows the order" in store.get(order.id).message
            assert len(sorter.runs) == 1

    asyncio.run(scenario())


@asynccontextmanager
async def dispatched(folder, answers=True, robot_wait_s=30.0, quiet_max_s=30.0):
    """A dispatcher that has taken an order to the sorter; the order runs when the sorter answers."""
    sorter = Sorter()
    with Database(sqlite_url(folder / "bridge.db"), lock_wait_s=0.1) as database:
        store = Store(database)
        order, _ = store.create(REQUEST, None, 10)
        patience = Patience(robot_wait_s, quiet_max_s=quiet_max_s, answer_max_s=30.0 if answers else 0.1)
        dispatcher = Dispatcher(Ledger(store, nothing), sorter, patience)
        await dispatcher.start()
        try:
            await until(lambda: sorter.runs)
            if answers:
                sorter.runs[0].tell(SortAccepted())
                await until(lambda: store.get(order.id).state == "running")
            yield store, sorter, order
        finally:
            await dispatcher.stop()


@contextmanager
def locked(folder):
    """Nobody else can write the orders."""
    with closing(sqlite3.connect(folder / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def state(folder):
    """The state of the only order, as a reader sees it who needs no lock."""
    with closing(sqlite3.connect(folder / "bridge.db")) as reader:
        return reader.execute("SELECT state FROM orders").fetchone()[0]


async def until(true, within_s=20.0):
    deadline_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.02)
