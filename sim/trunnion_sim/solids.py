"""What bodies are made of, whatever simulates them: solids, how they look, how they rub; and how a link moves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

Floats = tuple[float, ...]


@dataclass(frozen=True)
class Box:
    """A box by its half extents along x, y and z."""

    half_m: tuple[float, float, float]


@dataclass(frozen=True)
class Cylinder:
    """An upright cylinder."""

    radius_m: float
    height_m: float


@dataclass(frozen=True)
class Ball:
    """A sphere."""

    radius_m: float


@dataclass(frozen=True)
class MeshFile:
    """A Wavefront file in metres; to be looked at, and not to be touched."""

    path: Path


Solid = Box | Cylinder | Ball


@dataclass(frozen=True)
class Finish:
    """How a surface looks; None leaves it to the renderer.

    Attributes:
        colour: RGB in 0..1.
        gloss: RGB in 0..1 of the light that it mirrors.
    """

    colour: tuple[float, float, float] | None = None
    gloss: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Friction:
    """Coulomb coefficients of a surface against sliding and against spinning on the spot (m)."""

    sliding: float
    spinning_m: float


class LinkState(NamedTuple):
    """Where a link is, and how it moves: its frame, and the centre of its mass, to which the velocities belong."""

    center_m: Floats
    position_m: Floats
    orientation_xyzw: Floats
    velocity_mps: Floats
    turning_radps: Floats
