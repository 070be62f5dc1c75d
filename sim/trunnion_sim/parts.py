"""The parts that lie in the tray: how they look, how they collide, how much room they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from trunnion_sim.part_meshes import part_mesh_files
from trunnion_sim.solids import Box, Cylinder, Finish, Friction, MeshFile
from trunnion_sim.world import World, quaternion_xyzw, rotation

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class PartKind:
    """A class of things. The collision shape is a plain solid: an upright cylinder (radius) or a box (half extents)."""

    label: str
    height_m: float
    footprint_radius_m: float
    mass_kg: float
    cylinder_radius_m: float | None = None
    box_half_extents_m: tuple[float, float, float] | None = None


KINDS = {
    kind.label: kind
    for kind in (
        PartKind("gear", 0.018, 0.0222, 0.060, cylinder_radius_m=0.0212),
        PartKind("bolt", 0.018, 0.0210, 0.045, box_half_extents_m=(0.019, 0.009, 0.009)),
        PartKind("nut", 0.016, 0.0161, 0.040, cylinder_radius_m=0.0149),
    )
}
# Things that get among the parts and that nobody orders; they look like the solids they are.
CLUTTER = {
    kind.label: kind
    for kind in (
        PartKind("block", 0.014, 0.0155, 0.030, box_half_extents_m=(0.0125, 0.009, 0.007)),
        PartKind("disc", 0.006, 0.0140, 0.020, cylinder_radius_m=0.0140),
        PartKind("bar", 0.008, 0.0235, 0.030, box_half_extents_m=(0.023, 0.004, 0.004)),
    )
}
# Things that a careless detector takes for a nut, a bolt and a gear.
LOOK_ALIKES = {
    kind.label: kind
    for kind in (
        PartKind("washer", 0.008, 0.0149, 0.015, cylinder_radius_m=0.0149),
        PartKind("pin", 0.014, 0.0203, 0.040, box_half_extents_m=(0.019, 0.007, 0.007)),
        PartKind("pulley", 0.018, 0.0200, 0.055, cylinder_radius_m=0.0200),
    )
}
# Between the footprints of neighbours: room for an open finger.
CLEARANCE_M = 0.031
# From the middle of a part to the tray's edge: an open finger beside it does not reach the bin's wall.
EDGE_M = 0.032


@dataclass(frozen=True)
class Placement:
    """Where a part is put down: its middle, and how it is turned about the vertical."""

    label: str
    position_base_m: tuple[float, float, float]
    yaw_rad: float


@dataclass(frozen=True)
class Part:
    """A part that is in a world."""

    kind: PartKind
    body: int
    world: World

    def position_base_m(self) -> np.ndarray:
        """The part's middle, float64 [3]."""
        return np.array(self.world.pose(self.body)[0])

    def rotation_base(self) -> np.ndarray:
        """The part's rotation, float64 [3, 3]."""
        return rotation(self.world.pose(self.body)[1])


@cache
def _mesh_file(label: str) -> MeshFile:
    return MeshFile(part_mesh_files()[label])


def put(world: World, placement: Placement, colour: Colour, friction: float, mass_scale: float = 1.0) -> Part:
    """Create a part in the world; `friction` is the lateral Coulomb coefficient of its surface."""
    kind = _kind(placement.label)
    body = world.add(
        _solid(kind),
        _mesh_file(kind.label),
        Finish(colour, gloss=(0.4, 0.4, 0.4)),
        mass_kg=kind.mass_kg * mass_scale,
        at_m=placement.position_base_m,
        orientation_xyzw=quaternion_xyzw(0, 0, placement.yaw_rad),
    )
    # Rolling friction would add three rows to every contact, and triple the time of a physics step.
    world.rub(body, Friction(friction, spinning_m=0.002))
    return Part(kind, body, world)


def _kind(label: str) -> PartKind:
    return KINDS.get(label) or CLUTTER.get(label) or LOOK_ALIKES[label]


def _solid(kind: PartKind) -> Box | Cylinder:
    if kind.box_half_extents_m:
        return Box(kind.box_half_extents_m)
    assert kind.cylinder_radius_m is not None
    return Cylinder(kind.cylinder_radius_m, kind.height_m)


def scattered(
    labels: Sequence[str],
    center_base_m: tuple[float, float, float],
    size_m: tuple[float, float],
    rng: np.random.Generator,
    *,
    clearance_m: float,
    yaw_max_rad: float = np.pi,
    lying: Sequence[Placement] = (),
) -> list[Placement]:
    """Lay parts out at random on a flat area without overlap, keeping `clearance_m` between their footprints.

    They keep that from what is `lying` there, too.
    Parts that find no room after many tries are left out, so a crowded area gives fewer placements than labels.
    """
    placed: list[Placement] = []
    for label in labels:
        kind = _kind(label)
        for _ in range(200):
            room = np.array(size_m) / 2 - max(kind.footprint_radius_m + 0.006, EDGE_M)
            x, y = np.array(center_base_m[:2]) + rng.uniform(-room, room)
            if all(_apart(kind, x, y, other) >= clearance_m for other in (*lying, *placed)):
                position = (float(x), float(y), center_base_m[2] + kind.height_m / 2)
                placed.append(Placement(label, position, float(rng.uniform(-yaw_max_rad, yaw_max_rad))))
                break
    return placed


def _apart(kind: PartKind, x_m: float, y_m: float, other: Placement) -> float:
    distance = float(np.hypot(x_m - other.position_base_m[0], y_m - other.position_base_m[1]))
    return distance - kind.footprint_radius_m - _kind(other.label).footprint_radius_m
