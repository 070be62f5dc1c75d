"""What a cell is laid out with, so that a copy of the cell in another process can be laid out alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trunnion_sim.cell import SimulatedCell
from trunnion_sim.imaging import sensed
from trunnion_sim.scenarios import Scenario, Task, draw_task

Lens = Callable[[np.ndarray], np.ndarray]


class Contents(Protocol):
    """Lays any cell of one layout out in the same way."""

    def lay_out(self, cell: SimulatedCell) -> Lens:
        """Lay the cell out; gives what the camera makes of each picture, uint8 [h, w, 3] BGR."""


@dataclass(frozen=True)
class RandomParts:
    """Parts of these classes anywhere in the tray, seen as they are."""

    labels: tuple[str, ...]
    seed: tuple[int, ...]

    def lay_out(self, cell: SimulatedCell) -> Lens:
        """See `Contents`."""
        cell.lay_out(self.labels, np.random.default_rng(self.seed))
        return _as_it_is


@dataclass(frozen=True)
class EpisodeOf:
    """What an episode of a proof begins with."""

    scenario: Scenario
    seed: int

    def lay_out(self, cell: SimulatedCell) -> Lens:
        """See `Contents`."""
        start = begin(cell, self.scenario, self.seed)
        return lambda image_bgr: sensed(image_bgr, start.conditions, start.rng)


@dataclass(frozen=True)
class Start:
    """An episode at its first moment.

    Attributes:
        conditions: the scenario, with nothing left to be drawn.
        rng: for what is drawn while it is played.
    """

    conditions: Scenario
    task: Task
    rng: np.random.Generator


def begin(cell: SimulatedCell, scenario: Scenario, seed: int) -> Start:
    """Lay the cell out as the episode of `seed` begins; the same in every cell of one layout."""
    conditions, rng = scenario.drawn(seed), np.random.default_rng(seed)
    task = draw_task(conditions, cell.layout, rng)
    cell.set_look(task.look, task.camera)
    cell.reset(
        task.placements,
        colours=task.colours,
        friction=conditions.friction,
        mass_scale=conditions.mass_scale,
    )
    return Start(conditions, task, rng)


def _as_it_is(image_bgr: np.ndarray) -> np.ndarray:
    return image_bgr
