"""Domain randomisation: every scene gets its own light, colours, surfaces and camera pose."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from trunnion_contract.cell import CameraLayout
from trunnion_sim.parts import Colour
from trunnion_sim.renderer import Look
from trunnion_sim.scenery import Palette
from trunnion_sim.textures import PATTERNS, Texture
from trunnion_sim.view import Light

CONTRAST_MIN = 0.25
METALS: tuple[Colour, ...] = (
    (0.62, 0.63, 0.65),  # steel
    (0.46, 0.47, 0.50),  # dark steel
    (0.76, 0.77, 0.78),  # zinc
    (0.72, 0.60, 0.34),  # brass
    (0.67, 0.44, 0.31),  # copper
    (0.30, 0.31, 0.33),  # blackened
)


def metal_colour(rng: np.random.Generator) -> Colour:
    """A metal's colour, a little lighter or darker than it is in the table; tells nothing about the part's class."""
    red, green, blue = np.clip(np.array(METALS[rng.integers(len(METALS))]) * rng.uniform(0.88, 1.12), 0, 1)
    return (float(red), float(green), float(blue))


def random_part_colour(rng: np.random.Generator) -> Colour:
    """Mostly metals, sometimes any colour."""
    return metal_colour(rng) if rng.random() < 0.6 else any_colour(rng)


def seen_against(
    behind: Colour, draw: Callable[[np.random.Generator], Colour], rng: np.random.Generator
) -> Colour:
    """Draw a colour that can be told from the one behind it: nobody could label a black nut in a black tray."""
    while True:
        colour = draw(rng)
        if np.linalg.norm(np.subtract(colour, behind)) > CONTRAST_MIN:
            return colour


def turned_light(light: Light, turn_rad: float) -> Light:
    """The light from another side, at the same elevation."""
    x, y, z = light.toward_base
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    return replace(light, toward_base=(float(cos * x - sin * y), float(sin * x + cos * y), z))


def random_look(rng: np.random.Generator) -> Look:
    """A light, colours and surfaces; one look in four is close to how the cell really looks."""
    light = _random_light(rng)
    if rng.random() < 0.25:
        return Look(light=light, exposure=float(rng.uniform(0.85, 1.1)))
    palette = Palette(
        table=any_colour(rng, saturation_max=0.35),
        tray=any_colour(rng, saturation_max=0.5),
        bins=tuple(any_colour(rng, saturation_max=0.9) for _ in range(4)),
    )
    return Look(
        light=light,
        palette=palette,
        table=_random_texture(rng),
        tray=_random_texture(rng),
        shadow=float(rng.uniform(0.1, 0.6)),
        occlusion=float(rng.uniform(0.1, 0.6)),
        exposure=float(rng.uniform(0.5, 1.2)),
    )


def jittered_camera(layout: CameraLayout, rng: np.random.Generator) -> CameraLayout:
    """The camera moved by up to 20 mm, turned by up to 3 degrees and zoomed by up to 4 %."""
    shift = rng.uniform(-0.02, 0.02, 3)
    aim = shift * (1, 1, 0) + rng.uniform(-0.012, 0.012, 3) * (1, 1, 0)
    roll = np.radians(rng.uniform(-3, 3))
    up = np.array(layout.image_up_base)
    turned = np.cos(roll) * up + np.sin(roll) * np.cross((0, 0, 1), up)
    return layout.model_copy(
        update={
            "position_base_m": tuple((np.array(layout.position_base_m) + shift).tolist()),
            "look_at_base_m": tuple((np.array(layout.look_at_base_m) + aim).tolist()),
            "image_up_base": tuple(turned.tolist()),
            "vertical_field_of_view_deg": layout.vertical_field_of_view_deg * float(rng.uniform(0.96, 1.04)),
        }
    )


def _random_light(rng: np.random.Generator) -> Light:
    azimuth, elevation = rng.uniform(-np.pi, np.pi), np.radians(rng.uniform(35, 80))
    warmth = rng.uniform(-0.12, 0.12)
    colour = np.clip([1 + warmth, 1.0, 1 - warmth], 0, 1.1)
    return Light(
        toward_base=(float(np.cos(azimuth)), float(np.sin(azimuth)), float(np.tan(elevation))),
        colour=(float(colour[0]), float(colour[1]), float(colour[2])),
        ambient=float(rng.uniform(0.35, 0.65)),
        diffuse=float(rng.uniform(0.3, 0.7)),
        specular=float(rng.uniform(0.0, 0.5)),
    )


def _random_texture(rng: np.random.Generator) -> Texture:
    pattern = str(rng.choice(["plain", *PATTERNS]))
    return Texture(
        pattern, float(rng.uniform(0.03, 0.25)), float(rng.uniform(0.1, 0.7)), int(rng.integers(1 << 30))
    )


def any_colour(rng: np.random.Generator, saturation_max: float = 0.8) -> Colour:
    """A colour of any hue, neither black nor white."""
    return colorsys.hsv_to_rgb(rng.random(), rng.uniform(0, saturation_max), rng.uniform(0.12, 0.9))
