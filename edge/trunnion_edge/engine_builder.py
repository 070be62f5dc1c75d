"""What the engine cache asks of a runtime that builds engines, and of those who look at what was built."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from trunnion_contract.engine_key import EngineKey
from trunnion_contract.errors import Broken

Loaded_co = TypeVar("Loaded_co", covariant=True)
Loaded_contra = TypeVar("Loaded_contra", contravariant=True)


class PlanRefused(Exception):
    """The runtime does not take a plan; raised by `Builder.load`."""


class EngineDiffers(Broken):
    """An engine gives other answers than its network does on the CPU: it is not used."""


class Builder(Protocol[Loaded_co]):
    """Makes an engine of one network, and loads it."""

    @property
    def key(self) -> EngineKey:
        """What the engine is built for."""

    def build(self) -> bytes:
        """The plan; takes seconds to an hour.

        Raises:
            BadInput: the runtime cannot build this network.
            Broken: it failed while building.
        """

    def load(self, plan: bytes) -> Loaded_co:
        """The engine, ready to run.

        Raises:
            PlanRefused: the plan is not one that this runtime takes.
        """


class Judgement(NamedTuple):
    """What came of a look at an engine's answers; `words` say how far they are off."""

    passed: bool
    words: str


class Check(Protocol[Loaded_contra]):
    """What a newly built engine must pass before it is used."""

    def prepare(self) -> None:
        """Called before the engine is built, so that what is missing shows before an hour has gone by."""

    def judge(self, engine: Loaded_contra) -> Judgement:
        """Look at the engine's answers, and close it."""
