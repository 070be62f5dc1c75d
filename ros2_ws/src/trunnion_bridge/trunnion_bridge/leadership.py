"""Which bridge leads: of all that serve the orders of one database, one alone talks to the robot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from trunnion_bridge.doorbell import Doorbell
from trunnion_bridge.models import Leader


class Deposed(Exception):
    """Another bridge leads now: what this one knows of the orders with the robot is no longer the truth."""


@dataclass(frozen=True)
class Role:
    """What a bridge is to the others.

    Attributes:
        leads: whether it is the one that talks to the robot.
        epoch: counts the leaders of the database; 0 while none is known.
        leader: who leads, this bridge or another; None while nobody is known to.
    """

    leads: bool = False
    epoch: int = 0
    leader: Leader | None = None


Fence = Callable[[Session], None]
"""Raises Deposed, inside a transaction that writes, when another bridge has led since the fence was made."""


class Leadership(Protocol):
    """Thread-safe."""

    @property
    def name(self) -> str:
        """The name of this bridge among the others."""

    @property
    def role(self) -> Role:
        """What this bridge is now."""

    @property
    def changed(self) -> Doorbell:
        """Rings when the role has changed."""

    @property
    def alive(self) -> bool:
        """Whether the role is looked after."""

    @property
    def others(self) -> int:
        """How many other bridges could take over; known to the leader."""

    @property
    def terms(self) -> int:
        """How many times this bridge became the leader."""

    def may_command(self) -> bool:
        """Whether the robot may be told something now: no other bridge can be leading."""

    def fence(self) -> Fence:
        """What a transaction must pass that is written as the leader."""

    def start(self) -> None:
        """Begin to look after the role."""

    def stop(self) -> None:
        """Lead no more."""


class Alone:
    """The leadership of a bridge that shares its orders with nobody."""

    others = 0
    terms = 1

    def __init__(self, leader: Leader) -> None:
        self.name = leader.name
        self.role = Role(leads=True, leader=leader)
        self.alive = False
        self.changed = Doorbell()

    def may_command(self) -> bool:
        """Always."""
        return True

    def fence(self) -> Fence:
        """Lets everything through."""
        return no_fence

    def start(self) -> None:
        """Nothing to look after."""
        self.alive = True

    def stop(self) -> None:
        """Nothing to give back."""
        self.alive = False


def no_fence(_: Session) -> None:
    """For orders that nobody else can write."""
