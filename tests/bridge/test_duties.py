"""What only the leader does is begun with the lead and left with it; the robot is seen until another bridge leads."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

from trunnion_bridge.doorbell import Doorbell
from trunnion_bridge.duties import Duties
from trunnion_bridge.leadership import Role
from trunnion_bridge.models import Leader

OTHER = Leader(name="other", url=None, since=None)


class Leadership:
    def __init__(self):
        self.role, self.changed = Role(), Doorbell()

    def becomes(self, role):
        self.role = role
        self.changed.ring()


class Told:
    """Keeps what it was told, in one list for all."""

    def __init__(self, name, told, fails=0):
        self.name, self.told, self.fails = name, told, fails

    async def start(self):
        if self.fails:
            self.fails -= 1
            raise OSError("not yet")
        self.told.append(f"{self.name} begins")

    async def leave(self):
        self.told.append(f"{self.name} leaves")


class Eyes:
    def __init__(self, told):
        self.told = told

    def start(self, loop):
        time.sleep(0.1)
        self.told.append("eyes open")

    def stop(self):
        self.told.append("eyes close")


@asynccontextmanager
async def following(fails=0):
    told, leadership = [], Leadership()
    duties = Duties(leadership, Eyes(told), [Told("orders", told), Told("webhooks", told, fails)])
    await duties.start()
    yield leadership, duties, told
    await duties.stop()


async def until(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def test_duties_come_and_go_with_the_lead_and_eyes_close_when_another_leads():
    async def scenario():
        async with following() as (leadership, duties, told):
            assert (told, duties.sees) == ([], False)
            leadership.becomes(Role(True, 1, OTHER))
            await until(lambda: told == ["eyes open", "orders begins", "webhooks begins"])

            leadership.becomes(Role())
            await until(lambda: told[3:] == ["webhooks leaves", "orders leaves"])
            assert duties.sees

            leadership.becomes(Role(True, 2, OTHER))
            await until(lambda: told[5:] == ["orders begins", "webhooks begins"])

            leadership.becomes(Role(False, 3, OTHER))
            await until(lambda: told[7:] == ["webhooks leaves", "orders leaves", "eyes close"])
            assert not duties.sees

    asyncio.run(scenario())


def test_who_leads_again_in_another_epoch_begins_anew():
    async def scenario():
        async with following() as (leadership, _, told):
            leadership.becomes(Role(True, 1, OTHER))
            await until(lambda: len(told) == 3)
            leadership.becomes(Role(True, 3, OTHER))
            await until(lambda: len(told) == 7)
            assert told[3:] == ["webhooks leaves", "orders leaves", "orders begins", "webhooks begins"]

    asyncio.run(scenario())


def test_a_duty_that_cannot_begin_is_tried_again_and_nothing_is_begun_by_halves():
    async def scenario():
        async with following(fails=1) as (leadership, duties, told):
            leadership.becomes(Role(True, 1, OTHER))
            await until(lambda: told[-1:] == ["webhooks begins"])
            assert told == [
                "eyes open",
                "orders begins",
                "webhooks leaves",
                "orders leaves",
                "orders begins",
                "webhooks begins",
            ]
            assert duties.alive

    asyncio.run(scenario())


def test_eyes_that_are_opening_when_the_bridge_stops_are_closed():
    async def scenario():
        async with following() as (leadership, duties, told):
            leadership.becomes(Role(True, 1, OTHER))
            await asyncio.sleep(0.05)
            await duties.stop()
            await duties.leave()
            await duties.close()
            assert told == ["eyes open", "eyes close"]

    asyncio.run(scenario())
