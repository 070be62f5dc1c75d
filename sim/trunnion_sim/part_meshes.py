"""The shapes of parts, clutter and look-alikes, made from formulas.

People tell gear, bolt and hex nut apart in a small picture.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from trunnion_sim.meshes import Mesh, cached_folder, merged, write_obj


def part_mesh_files() -> dict[str, Path]:
    """Wavefront files by part class, centred on the part's middle, made on first use."""
    folder = cached_folder("parts", Path(__file__).read_bytes(), _build)
    return {label: folder / f"{label}.obj" for label in SHAPES}


def gear() -> Mesh:
    """A toothed disc with a sunken web and a raised hub: 44 mm across, 18 mm high."""
    turn = _turn(12 * 6)
    phase = np.arange(len(turn)) % 6 / 6
    gap = np.clip(np.minimum(phase, 1 - phase) * 6 - 1, 0, 1)
    outer = 0.0222 - 0.0044 * gap
    rim, hub, bore = 0.0148, 0.0098, 0.0055
    top, web, hub_top = 0.007, 0.002, 0.009
    chamfered = outer - 0.0012
    profile = [(bore, -0.009), (chamfered, -0.009), (outer, -0.0078), (outer, top - 0.0012), (chamfered, top),
               (rim, top), (rim - 0.001, web), (hub + 0.001, web), (hub, hub_top), (bore, hub_top)]  # fmt: skip
    return _swept([_ring(radius, turn, z) for radius, z in profile], closed=True)


def nut() -> Mesh:
    """A hex ring: 32 mm across the corners, 16 mm high, with the bevel that nuts have."""
    turn = _turn(48)
    hexagon = _hexagon(turn, apothem=0.0139)
    bevel = np.minimum(hexagon, 0.0139)
    bore, mouth = 0.0078, 0.0094
    profile = [(bore, -0.0065), (mouth, -0.008), (bevel, -0.008), (hexagon, -0.0066), (hexagon, 0.0066),
               (bevel, 0.008), (mouth, 0.008), (bore, 0.0065)]  # fmt: skip
    return _swept([_ring(radius, turn, z) for radius, z in profile], closed=True)


def bolt() -> Mesh:
    """A short bolt that lies on a flat of its hex head, along x: 38 mm long, 18 mm thick."""
    turn = _turn(24)
    hexagon = _hexagon(turn, apothem=0.009)
    bevel = np.minimum(hexagon, 0.0093)
    head_end, shoulder, tip = 0.019, 0.007, -0.019
    profile: list[tuple[np.ndarray | float, float]] = [
        (0.0, head_end), (bevel, head_end), (hexagon, head_end - 0.0014), (hexagon, shoulder), (0.0068, shoulder)
    ]  # fmt: skip
    for start in np.arange(0.001, tip + 0.003, -0.0028):
        profile += [(0.0068, start), (0.0057, start - 0.0014)]
    profile += [(0.0058, tip + 0.0012), (0.0044, tip), (0.0, tip)]
    ends_up = [_ring(radius, turn, x) for radius, x in reversed(profile)]
    return _swept([np.stack([ring[:, 2], -ring[:, 1], ring[:, 0]], axis=1) for ring in ends_up], closed=False)


def block(half_x_m: float, half_y_m: float, half_z_m: float) -> Mesh:
    """A box."""
    corners = np.array(
        [[-half_x_m, -half_y_m], [half_x_m, -half_y_m], [half_x_m, half_y_m], [-half_x_m, half_y_m]]
    )
    return _upright(corners, half_z_m)


def disc(radius_m: float, half_z_m: float) -> Mesh:
    """A flat cylinder."""
    return _upright(_ring(radius_m, _turn(32), 0.0)[:, :2], half_z_m)


def washer() -> Mesh:
    """A round ring as wide as the nut, 8 mm high."""
    turn = _turn(48)
    profile = [(0.0078, -0.004), (0.0149, -0.004), (0.0149, 0.004), (0.0078, 0.004)]
    return _swept([_ring(radius, turn, z) for radius, z in profile], closed=True)


def pin() -> Mesh:
    """A plain round rod that lies along x, as long as the bolt, 14 mm thick."""
    turn = _turn(24)
    profile = [
        (0.0, 0.019),
        (0.0058, 0.019),
        (0.007, 0.0178),
        (0.007, -0.0178),
        (0.0058, -0.019),
        (0.0, -0.019),
    ]
    ends_up = [_ring(radius, turn, x) for radius, x in reversed(profile)]
    return _swept([np.stack([ring[:, 2], -ring[:, 1], ring[:, 0]], axis=1) for ring in ends_up], closed=False)


def pulley() -> Mesh:
    """The gear without its teeth: 40 mm across, 18 mm high."""
    turn = _turn(48)
    profile = [(0.0055, -0.009), (0.0200, -0.009), (0.0200, 0.007), (0.0148, 0.007), (0.0138, 0.002), (0.0108, 0.002),
               (0.0098, 0.009), (0.0055, 0.009)]  # fmt: skip
    return _swept([_ring(radius, turn, z) for radius, z in profile], closed=True)


SHAPES: dict[str, Callable[[], Mesh]] = {
    "gear": gear,
    "bolt": bolt,
    "nut": nut,
    "block": partial(block, 0.0125, 0.009, 0.007),
    "disc": partial(disc, 0.014, 0.003),
    "bar": partial(block, 0.023, 0.004, 0.004),
    "washer": washer,
    "pin": pin,
    "pulley": pulley,
}


def _build(folder: Path) -> None:
    for label, shape in SHAPES.items():
        write_obj(folder / f"{label}.obj", shape())


def _turn(count: int) -> np.ndarray:
    return np.arange(count) * 2 * np.pi / count


def _hexagon(turn: np.ndarray, apothem: float) -> np.ndarray:
    """The radius of a hexagon in each direction of `turn`; a flat faces direction 0."""
    off_flat = (turn + np.pi / 6) % (np.pi / 3) - np.pi / 6
    return apothem / np.cos(off_flat)


def _ring(radius_m: np.ndarray | float, turn: np.ndarray, z_m: float) -> np.ndarray:
    return np.stack([radius_m * np.cos(turn), radius_m * np.sin(turn), np.full(len(turn), z_m)], axis=1)


def _upright(outline_m: np.ndarray, half_z_m: float) -> Mesh:
    """The solid between two copies of a convex outline, float [n, 2], counter-clockwise."""
    middle = np.zeros_like(outline_m)
    levels = [(middle, -half_z_m), (outline_m, -half_z_m), (outline_m, half_z_m), (middle, half_z_m)]
    return _swept([np.insert(ring, 2, z, axis=1) for ring, z in levels], closed=False)


def _swept(rings: list[np.ndarray], *, closed: bool) -> Mesh:
    """Join neighbouring rings of equal length by quads; a closed sweep joins the last ring to the first."""
    count = len(rings[0])
    here = np.arange(count)
    following = (here + 1) % count
    pairs = list(pairwise(range(len(rings))))
    if closed:
        pairs.append((len(rings) - 1, 0))
    faces = []
    for low, high in pairs:
        a, b = low * count + here, low * count + following
        c, d = high * count + following, high * count + here
        faces += [np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]
    return merged([Mesh(np.concatenate(rings), np.concatenate(faces))])
