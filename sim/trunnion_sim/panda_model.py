"""The stock Panda with light visual meshes: TinyRenderer pays for faces and for the rectangles around them.

The stock arm has 101,735 faces. Small details go, each surface of the rest is decimated by itself, what lies inside
goes too, slivers become stouter, and what lies high comes first: seen from above, it hides the rest from being shaded.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trunnion_sim import outside, triangulation
from trunnion_sim.kinematics import arm_joints_rad
from trunnion_sim.meshes import Mesh, area_m2, cached_folder, decimated, merged, read_obj, write_obj
from trunnion_sim.world import World, rotation, stock_panda

FACES_PER_LINK = {"link1": 250, "link2": 250, "link3": 350, "link4": 420, "link5": 800, "link6": 1400,
                  "link7": 100, "hand": 900, "finger": 160}  # fmt: skip
SMALLEST_SURFACE_M2, SMALLEST_SURFACE_FACES = 25e-4, 60
COLUMN_PX = 16
# By their numbers in the arm; the other finger has the same mesh.
_LINKS = {"link1": 0, "link2": 1, "link3": 2, "link4": 3, "link5": 4, "link6": 5, "link7": 6,
          "hand": 8, "finger": 9}  # fmt: skip
_ARM, _FINGERS, _OPEN_M = tuple(range(7)), (9, 10), 0.04
# Where the hand is while one looks which faces can be seen: over the middle, and close to the arm.
_LOOKED_AT_BASE_M = ((0.5, 0.0, 0.2), (0.36, 0.2, 0.05))

Colour = tuple[float, float, float]
_WHITE, _DARK = (0.93, 0.94, 0.95), (0.22, 0.23, 0.25)


@dataclass(frozen=True)
class _Surface:
    """A piece of a link in one colour, in the link's frame."""

    link: str
    colour: Colour
    mesh: Mesh


def panda_urdf() -> Path:
    """The path of a Panda URDF with decimated visual meshes and the stock collision shapes, made on first use."""
    stock = stock_panda()
    modules = (Path(__file__), Path(outside.__file__), Path(triangulation.__file__))
    recipe = b"".join(file.read_bytes() for file in modules) + (stock / "panda.urdf").read_bytes()
    return cached_folder("panda", recipe, lambda folder: _build(stock, folder)) / "panda.urdf"


def _build(stock: Path, folder: Path) -> None:
    shutil.copytree(stock / "meshes" / "collision", folder / "meshes" / "collision")
    shutil.copy(stock / "LICENSE.txt", folder / "LICENSE.txt")
    visual = folder / "meshes" / "visual"
    visual.mkdir(parents=True)
    surfaces = _outer([surface for link in _LINKS for surface in _light_surfaces(stock, link)], stock)
    for link in _LINKS:
        groups = _groups(surface for surface in surfaces if surface.link == link)
        _write_palette(visual / f"{link}.png", list(groups))
        write_obj(visual / f"{link}.obj", *groups.values(), texture=f"{link}.png")
    # The stock arm draws its last link in the shape that collides.
    urdf = (stock / "panda.urdf").read_text()
    (folder / "panda.urdf").write_text(urdf.replace("meshes/collision/link7", "meshes/visual/link7", 1))


def _light_surfaces(stock: Path, link: str) -> Iterator[_Surface]:
    """Each large surface decimated by itself: together, smaller ones would vanish into larger ones."""
    obj = stock / "meshes" / ("collision" if link == "link7" else "visual") / f"{link}.obj"
    colours, surfaces = _diffuse_colours(obj.with_suffix(".mtl")), read_obj(obj)
    share = FACES_PER_LINK[link] / sum(len(mesh.faces) for mesh in surfaces.values())
    for material, mesh in surfaces.items():
        if area_m2(mesh) >= SMALLEST_SURFACE_M2:
            count = max(SMALLEST_SURFACE_FACES, round(share * len(mesh.faces)))
            yield _Surface(link, colours.get(material, _WHITE), decimated(merged([mesh]), count))


def _outer(surfaces: list[_Surface], stock: Path) -> list[_Surface]:
    """The faces that can be seen, the highest first."""
    postures = [_placed(surfaces, poses) for poses in _poses(stock)]
    outer: list[tuple[float, _Surface]] = []
    for surface, placed, seen in zip(surfaces, postures[0], outside.seen_faces(postures), strict=True):
        if seen.any():
            faces, heights_m = surface.mesh.faces[seen], placed.vertices_m[placed.faces[seen], 2].max(axis=1)
            mesh = Mesh(surface.mesh.vertices_m, faces[np.argsort(-heights_m, kind="stable")])
            outer.append((float(heights_m.max()), _Surface(surface.link, surface.colour, mesh)))
    return [surface for _, surface in sorted(outer, key=lambda pair: -pair[0])]


def _poses(stock: Path) -> Iterator[dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Where the links are, float64 [3], and how they are turned, float64 [3, 3], in each posture."""
    with World() as world:
        arm = world.add_arm(stock / "panda.urdf")
        for grasp_base_m in _LOOKED_AT_BASE_M:
            joints = (*arm_joints_rad(np.array(grasp_base_m)).tolist(), _OPEN_M, _OPEN_M)
            world.put_joints(arm, (*_ARM, *_FINGERS), joints)
            states = {link: world.link(arm, number) for link, number in _LINKS.items()}
            yield {
                link: (np.array(state.position_m), rotation(state.orientation_xyzw))
                for link, state in states.items()
            }


def _placed(surfaces: list[_Surface], poses: dict[str, tuple[np.ndarray, np.ndarray]]) -> list[Mesh]:
    meshes = []
    for surface in surfaces:
        at_m, turn = poses[surface.link]
        meshes.append(Mesh(surface.mesh.vertices_m @ turn.T + at_m, surface.mesh.faces))
    return meshes


def _groups(surfaces: Iterator[_Surface]) -> dict[Colour, Mesh]:
    """One mesh per colour, of stout faces."""
    groups: dict[Colour, list[Mesh]] = {}
    for surface in surfaces:
        light = triangulation.with_fewer_slivers(merged([surface.mesh]))
        groups.setdefault(surface.colour, []).append(light)
    return {colour: merged(meshes) for colour, meshes in groups.items()}


def _write_palette(path: Path, colours: list[Colour]) -> None:
    """A picture of as many columns as there are colours, RGB in 0..1."""
    columns = np.repeat(np.array(colours)[None, :, ::-1], COLUMN_PX, axis=1)
    cv2.imwrite(str(path), np.repeat(np.round(columns * 255).astype(np.uint8), COLUMN_PX, axis=0))


def _diffuse_colours(mtl: Path) -> dict[str, Colour]:
    text = mtl.read_text() if mtl.is_file() else ""
    pairs = re.findall(r"newmtl (\S+).*?\nKd (\S+) (\S+) (\S+)", text, flags=re.DOTALL)
    return {name: _shown_as(np.array([float(r), float(g), float(b)])) for name, r, g, b in pairs}


def _shown_as(rgb: np.ndarray) -> Colour:
    """One of the arm's two colours: the files hold stray reds and greens on hidden faces."""
    return _WHITE if rgb.min() > 0.8 else _DARK
