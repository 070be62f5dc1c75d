"""The stock Panda with light visual meshes: TinyRenderer's cost is in the faces, and the stock arm has 101,735."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2
import numpy as np

from trunnion_sim.meshes import Mesh, cached_folder, decimated, merged, read_obj, write_obj
from trunnion_sim.world import stock_panda

FACES_PER_LINK = {"link1": 250, "link2": 250, "link3": 350, "link4": 420, "link5": 800, "link6": 1400,
                  "hand": 900, "finger": 160}  # fmt: skip
SMALLEST_SURFACE_FACES = 120
COLUMN_PX = 16

Colour = tuple[float, float, float]


def panda_urdf() -> Path:
    """The path of a Panda URDF with decimated visual meshes and the stock collision shapes, made on first use."""
    stock = stock_panda()
    recipe = Path(__file__).read_bytes() + (stock / "panda.urdf").read_bytes()
    return cached_folder("panda", recipe, lambda folder: _build(stock, folder)) / "panda.urdf"


def _build(stock: Path, folder: Path) -> None:
    shutil.copytree(stock / "meshes" / "collision", folder / "meshes" / "collision")
    shutil.copy(stock / "LICENSE.txt", folder / "LICENSE.txt")
    visual = folder / "meshes" / "visual"
    visual.mkdir(parents=True)
    for link, face_count in FACES_PER_LINK.items():
        groups = _light_groups(stock / "meshes" / "visual" / f"{link}.obj", face_count)
        _write_palette(visual / f"{link}.png", list(groups))
        write_obj(visual / f"{link}.obj", *groups.values(), texture=f"{link}.png")
    shutil.copy(stock / "panda.urdf", folder / "panda.urdf")


def _write_palette(path: Path, colours: list[Colour]) -> None:
    """A picture of as many columns as there are colours, RGB in 0..1."""
    columns = np.repeat(np.array(colours)[None, :, ::-1], COLUMN_PX, axis=1)
    cv2.imwrite(str(path), np.repeat(np.round(columns * 255).astype(np.uint8), COLUMN_PX, axis=0))


def _light_groups(obj: Path, face_count: int) -> dict[Colour, Mesh]:
    """One mesh per colour. Each surface is decimated by itself: together, small ones would vanish into large ones."""
    colours, surfaces = _diffuse_colours(obj.with_suffix(".mtl")), read_obj(obj)
    share = face_count / sum(len(mesh.faces) for mesh in surfaces.values())
    groups: dict[Colour, list[Mesh]] = {}
    for material, mesh in surfaces.items():
        light = decimated(merged([mesh]), max(SMALLEST_SURFACE_FACES, round(share * len(mesh.faces))))
        groups.setdefault(colours[material], []).append(light)
    return {colour: merged(meshes) for colour, meshes in groups.items()}


def _diffuse_colours(mtl: Path) -> dict[str, Colour]:
    text = mtl.read_text()
    pairs = re.findall(r"newmtl (\S+).*?\nKd (\S+) (\S+) (\S+)", text, flags=re.DOTALL)
    return {name: _shown_as(np.array([float(r), float(g), float(b)])) for name, r, g, b in pairs}


def _shown_as(rgb: np.ndarray) -> Colour:
    """One of the arm's three colours: the file holds stray reds and greens on a handful of hidden faces."""
    shown = [(0.93, 0.94, 0.95), (0.22, 0.23, 0.25), (0.16, 0.42, 0.62)]
    if rgb.min() > 0.8:
        return shown[0]
    return shown[2] if rgb[2] > 0.7 else shown[1]
