"""What a cell is laid out with, so that a copy of the cell in another process can be laid out alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trunnion_contract.cell import CellLayout
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.conditions import Conditions
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
        conditions = self.scenario.drawn(self.seed)
        rng = np.random.default_rng(self.seed)
        put_down(cell, draw_task(conditions, cell.layout, rng), conditions)
        return lambda image_bgr: sensed(image_bgr, conditions, rng)

    def task(self, layout: CellLayout) -> Task:
        """What is ordered in it."""
        return draw_task(self.scenario.drawn(self.seed), layout, np.random.default_rng(self.seed))


def put_down(cell: SimulatedCell, task: Task, conditions: Conditions) -> None:
    """Lay a cell out for a task under these conditions."""
    cell.set_look(task.look, task.camera)
    cell.reset(
        task.placements,
        colours=task.colours,
        friction=conditions.friction,
        mass_scale=conditions.mass_scale,
    )


def _as_it_is(image_bgr: np.ndarray) -> np.ndarray:
    return image_bgr
