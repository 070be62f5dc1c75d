"""What never moves in the cell: the table, the tray and the bins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from trunnion_contract.cell import CellLayout
from trunnion_sim.parts import Colour
from trunnion_sim.solids import Box, Finish
from trunnion_sim.world import World

TABLE_SIZE_M = (1.8, 2.2, 0.04)
TRAY_FLOOR_M = 0.005
# A lip, and no wall: open fingers reach over it to parts at the edge.
TRAY_LIP_HEIGHT_M = 0.001
TRAY_LIP_M = 0.005
BIN_FLOOR_M = 0.004
BIN_WALL_HEIGHT_M = 0.050
BIN_WALL_M = 0.004

SPECK = Box((1e-6, 1e-6, 1e-6))

PlacedBox = tuple[tuple[float, float, float], Box]


@dataclass(frozen=True)
class Palette:
    """Colours of the scenery, RGB in 0..1."""

    table: Colour = (0.72, 0.73, 0.74)
    tray: Colour = (0.24, 0.29, 0.34)
    bins: tuple[Colour, ...] = (
        (0.10, 0.44, 0.47),
        (0.80, 0.50, 0.16),
        (0.36, 0.42, 0.70),
        (0.60, 0.30, 0.42),
    )


@dataclass(frozen=True)
class Scenery:
    """The bodies of the scenery in a world that have a colour of their own; the table is drawn as a plane."""

    tray: int
    bins: dict[str, int] = field(default_factory=dict)

    def paint(self, world: World, palette: Palette) -> None:
        """Give every body its colour."""
        lip = tuple(min(1.0, 0.12 + 0.9 * value) for value in palette.tray)
        painted = [(self.tray, palette.tray, lip)]
        for number, body in enumerate(self.bins.values()):
            colour = palette.bins[number % len(palette.bins)]
            painted.append((body, colour, colour))
        for body, floor, rim in painted:
            world.paint(body, floor, rim)


def build_scenery(world: World, layout: CellLayout, *, visible: bool) -> Scenery:
    """Put table, tray and bins into the world; all of it is fixed. Without `visible` they can be touched, not seen."""
    half_x, half_y, half_z = (size / 2 for size in TABLE_SIZE_M)
    _fixed(world, [((0.4, 0.0, -half_z), Box((half_x, half_y, half_z)))], visible=False)
    tray_boxes = _open_box(
        layout.tray.center_base_m, layout.tray.size_m, TRAY_FLOOR_M, TRAY_LIP_HEIGHT_M, TRAY_LIP_M
    )
    tray = _fixed(world, list(tray_boxes), visible=visible)
    bins = {}
    for name, place in layout.bins.items():
        x, y, z = place.center_base_m
        boxes = _open_box((x, y, z + BIN_FLOOR_M), place.size_m, BIN_FLOOR_M, BIN_WALL_HEIGHT_M, BIN_WALL_M)
        bins[name] = _fixed(world, list(boxes), visible=visible)
    return Scenery(tray, bins)


def _open_box(
    surface_center: tuple[float, float, float],
    inner: tuple[float, float],
    floor: float,
    height: float,
    wall: float,
) -> Iterator[PlacedBox]:
    """Floor and four walls, each with its centre; the floor's top is at `surface_center`."""
    x, y, z = surface_center
    half_x, half_y = inner[0] / 2, inner[1] / 2
    yield (x, y, z - floor / 2), Box((half_x + wall, half_y + wall, floor / 2))
    for side in (-1, 1):
        yield (x + side * (half_x + wall / 2), y, z + height / 2), Box((wall / 2, half_y + wall, height / 2))
        yield (x, y + side * (half_y + wall / 2), z + height / 2), Box((half_x, wall / 2, height / 2))


def _fixed(world: World, boxes: list[PlacedBox], *, visible: bool) -> int:
    """One fixed body of several boxes. Unseen ones are specks: with no shape to draw, the solid would be drawn."""
    drawn = [box if visible else SPECK for _, box in boxes]
    return world.add_fixed(boxes, drawn, Finish(gloss=(0.1, 0.1, 0.1)))
