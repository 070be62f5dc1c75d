"""The robots that orders are given to: what of them can be killed, and which orders they began."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from trunnion.bench.order_soak.journal import lines_of
from trunnion.bench.order_soak.killable import Killable

BEGUN = "begun"
_ORDER_S = 0.02


class Victim(Protocol):
    """What can be killed; `kind` is what its kills are counted as."""

    kind: str

    def kill(self) -> None:
        """End it as a power cut does, and start it anew."""


class Robot(NamedTuple):
    """A robot that runs.

    Attributes:
        nodes: those whose heartbeats the bridge awaits.
        begun: the ids of the orders that it began, once for each time that it did.
        kill_every_s: the shortest and the longest time between two kills that leaves it time to work.
        tray_orders: after so many orders `refill` is wanted, while none is at work; 0: never.
    """

    nodes: tuple[str, ...]
    victims: Sequence[Victim]
    begun: Callable[[], list[str]]
    kill_every_s: tuple[float, float]
    tray_orders: int = 0
    refill: Callable[[], None] = lambda: None


RunningRobot = AbstractContextManager[Robot]


@contextmanager
def stand_in(bundle: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[Robot]:
    """A sorter that takes almost no time, on the action of the real one."""
    begun = folder / BEGUN
    command = [sys.executable, "-m", "trunnion.bench.sorter_probe", str(begun), str(_ORDER_S)]
    with Killable("sorter", command, environment, folder / "sorter.log") as sorter:
        yield Robot(("sorter",), [sorter], lambda: lines_of(begun), (2.0, 6.0))
