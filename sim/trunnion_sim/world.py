"""The simulated world: the one place that talks to PyBullet, always without a window."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from pathlib import Path
from types import TracebackType
from typing import Any


def _imported_silently(name: str) -> Any:
    """Import a module whose native code greets on standard error."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            return importlib.import_module(name)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


pybullet = _imported_silently("pybullet")

PHYSICS_HZ = 240
GRAVITY_MPS2 = 9.81


class Bullet:
    """PyBullet's functions and constants, bound to one world; each is looked up once."""

    def __init__(self) -> None:
        self._client = pybullet.connect(pybullet.DIRECT)

    def __getattr__(self, name: str) -> Any:
        value = getattr(pybullet, name)
        if inspect.isbuiltin(value):
            value = functools.partial(value, physicsClientId=self._client)
        setattr(self, name, value)
        return value


class World:
    """One PyBullet world of its own; worlds of one process do not see each other.

    Bodies are built through `bullet`, PyBullet's own functions bound to this world.

    Args:
        step_s: how far one step advances.
        substeps: physics steps in it, all made by one call.
    """

    def __init__(self, step_s: float = 1 / PHYSICS_HZ, substeps: int = 1) -> None:
        self._step_s, self._substeps = step_s, substeps
        self.bullet = Bullet()
        self.clear()

    def clear(self) -> None:
        """Remove everything, caches included, and set the physics as it always is here."""
        self.bullet.resetSimulation(flags=self.bullet.RESET_USE_SIMPLE_BROADPHASE)
        self.bullet.setPhysicsEngineParameter(
            fixedTimeStep=self._step_s, numSubSteps=self._substeps if self._substeps > 1 else 0,
            numSolverIterations=50, deterministicOverlappingPairs=1,
        )  # fmt: skip
        self.bullet.setGravity(0, 0, -GRAVITY_MPS2)

    def step(self, count: int = 1) -> None:
        """Advance physics by `count` steps, of 1/240 s unless the world was made with others."""
        advance = self.bullet.stepSimulation
        for _ in range(count):
            advance()

    def touched_by(self, body: int) -> set[int]:
        """The other bodies that touch the links of `body`, not counting its base, since the last step."""
        points = self.bullet.getContactPoints(bodyA=body)
        # By PyBullet's order: 2 is the other body, 3 the link, 8 the distance, positive while they only come near.
        return {point[2] for point in points if point[2] != body and point[3] >= 0 and point[8] <= 0}

    def close(self) -> None:
        """Give the world back; a closed world cannot be used again."""
        if self.bullet.isConnected():
            self.bullet.disconnect()

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
