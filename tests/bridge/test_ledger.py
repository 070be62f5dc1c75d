"""Changes of orders are told in the order in which they were written, however many are made at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from trunnion_bridge.ledger import Ledger


class SlowToAnswer:
    """A store whose earlier writes take longer to come back than later ones."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def note(self, order_id: str, message: str) -> Order:
        self.written.append(message)
        time.sleep(0.05 / len(self.written))
        return Order(message)


class Order:
    id, number, event = "order", 1, 0
    state = "running"

    def __init__(self, message: str) -> None:
        self.message = message

    def model_dump(self, mode: str) -> str:
        return self.message


class Heard:
    def __init__(self) -> None:
        self.messages: list[str] = []

    def publish(self, topic: str, message: str, event: int) -> None:
        self.messages.append(message)


@pytest.mark.parametrize("count", [2, 12])
def test_who_listens_hears_of_changes_in_the_order_in_which_they_were_written(count: int) -> None:
    store, heard = SlowToAnswer(), Heard()

    async def all_at_once() -> None:
        ledger = Ledger(store, heard)
        await asyncio.gather(*(ledger.note("order", f"news {number}") for number in range(count)))

    asyncio.run(all_at_once())
    assert len(heard.messages) == count
    assert heard.messages == store.written
