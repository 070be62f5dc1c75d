"""A random scene of the cell: parts in tray and bins, strangers among them, the arm somewhere above."""

from __future__ import annotations

import numpy as np

from trunnion_contract.cell import CellLayout
from trunnion_sim.parts import KINDS, Part, Placement, put, scattered
from trunnion_sim.randomisation import random_part_colour, seen_against
from trunnion_sim.renderer import Look
from trunnion_sim.robot import Panda
from trunnion_sim.scenery import build_scenery
from trunnion_sim.solids import Ball, Box, Cylinder, Finish, Solid
from trunnion_sim.world import World, quaternion_xyzw

SETTLE_STEPS = 72
LABELS = tuple(KINDS)


class RandomScene:
    """A world with scenery and arm, filled anew with parts and distractors for every picture."""

    def __init__(self, world: World, layout: CellLayout, look: Look) -> None:
        self.world, self.layout, self.look = world, layout, look
        build_scenery(world, layout, visible=False)
        self.arm = Panda(world)
        self.parts: list[Part] = []
        self._distractors: list[int] = []

    def shuffle(self, rng: np.random.Generator) -> None:
        """Clear the cell and fill it at random; parts in bins fall there and come to rest as physics has it."""
        for body in [*(part.body for part in self.parts), *self._distractors]:
            self.world.remove(body)
        self.arm.place(np.array([0.4, 0.0, 0.45]), 0.08)
        self.parts = self._parts_in_tray(rng) + self._parts_in_bins(rng) + self._parts_on_table(rng)
        self._distractors = [self._distractor(rng) for _ in range(rng.integers(0, 6))]
        self.world.step(SETTLE_STEPS)
        self.arm.place(self._arm_point(rng), float(rng.uniform(0.0, 0.08)))

    def _parts_in_tray(self, rng: np.random.Generator) -> list[Part]:
        tray = self.layout.tray
        labels = rng.choice(LABELS, rng.integers(1, 11)).tolist()
        clearance_m = float(rng.choice([0.001, 0.015]))
        placements = scattered(labels, tray.center_base_m, tray.size_m, rng, clearance_m=clearance_m)
        return [self._put(placement, rng) for placement in placements]

    def _parts_in_bins(self, rng: np.random.Generator) -> list[Part]:
        parts = []
        for place in self.layout.bins.values():
            for level in range(rng.integers(0, 4)):
                spread = np.array(place.size_m) / 2 - 0.03
                x, y = np.array(place.center_base_m[:2]) + rng.uniform(-spread, spread)
                part = self._put(Placement(str(rng.choice(LABELS)), (x, y, 0.03 + 0.035 * level), 0.0), rng)
                tilt = quaternion_xyzw(*rng.uniform(-np.pi, np.pi, 3).tolist())
                self.world.put(part.body, part.position_base_m().tolist(), tilt)
                parts.append(part)
        return parts

    def _parts_on_table(self, rng: np.random.Generator) -> list[Part]:
        if rng.random() > 0.25:
            return []
        x = self.layout.tray.center_base_m[0] + float(rng.choice([-0.2, 0.2]))
        kind = KINDS[str(rng.choice(LABELS))]
        place = (x, float(rng.uniform(-0.25, 0.25)), kind.height_m / 2)
        return [self._put(Placement(kind.label, place, float(rng.uniform(-np.pi, np.pi))), rng)]

    def _put(self, placement: Placement, rng: np.random.Generator) -> Part:
        return put(self.world, placement, seen_against(self.look.palette.tray, random_part_colour, rng), 0.8)

    def _distractor(self, rng: np.random.Generator) -> int:
        """A thing that is no part: a block, a ball, a disc or a rod."""
        size = rng.uniform(0.005, 0.022, 3).tolist()
        kind = rng.choice(["block", "ball", "disc", "rod"])
        solid: Solid = {
            "block": Box((size[0], size[1], size[2])),
            "ball": Ball(size[0]),
            "disc": Cylinder(size[0], size[1] / 2),
            "rod": Cylinder(size[1] / 3, 4 * size[2]),
        }[str(kind)]
        place = [*(np.array([0.5, 0.0]) + rng.uniform((-0.2, -0.3), (0.2, 0.3))), 0.035]
        turned = quaternion_xyzw(np.pi / 2 if kind == "rod" else 0.0, 0.0, float(rng.uniform(-np.pi, np.pi)))
        finish = Finish(random_part_colour(rng))
        return self.world.add(solid, solid, finish, mass_kg=0.05, at_m=place, orientation_xyzw=turned)

    def _arm_point(self, rng: np.random.Generator) -> np.ndarray:
        """Over a bin as when the executive looks, over the tray as when it works, or drawn back."""
        chance = rng.random()
        if chance < 0.55:
            place = list(self.layout.bins.values())[rng.integers(len(self.layout.bins))].center_base_m
            return place + rng.uniform((-0.03, -0.03, 0.10), (0.03, 0.03, 0.26))
        if chance < 0.85:
            low, high = self.layout.limits.workspace_low_base_m, self.layout.limits.workspace_high_base_m
            return rng.uniform((*low[:2], 0.07), high)
        return np.array([0.31, rng.uniform(-0.1, 0.1), 0.45])
