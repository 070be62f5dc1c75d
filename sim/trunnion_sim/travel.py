"""What an arm does on its way: how far its grasp point goes, and how often it runs into something."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from trunnion_sim.cell import SimulatedCell


class Travel:
    """Watches the arm of a cell, once a period.

    Args:
        allowed: labels of the parts that may be touched, because they are to be moved.
    """

    def __init__(self, cell: SimulatedCell, allowed: Container[str]) -> None:
        self._cell, self._allowed = cell, allowed
        self._last_base_m: np.ndarray | None = None
        self._touched: set[int] = set()
        self._path_m, self._collisions = 0.0, 0

    @property
    def path_m(self) -> float:
        """The way so far, to the millimetre."""
        return round(self._path_m, 3)

    @property
    def collisions(self) -> int:
        """How often the arm began to touch a body; one that it goes on touching counts once."""
        return self._collisions

    def observe(self, grasp_point_base_m: np.ndarray) -> None:
        """Take in where the arm is now."""
        if self._last_base_m is not None:
            self._path_m += float(np.linalg.norm(grasp_point_base_m - self._last_base_m))
        touched = self._cell.touched_by_arm(self._allowed)
        self._collisions += len(touched - self._touched)
        self._last_base_m, self._touched = grasp_point_base_m, touched
