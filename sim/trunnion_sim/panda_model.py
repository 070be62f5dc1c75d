"""The stock Panda with light visual meshes: TinyRenderer's cost is in the faces, and the stock arm has 101,735."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pybullet_data

from trunnion_sim.meshes import Mesh, cached_folder, decimated, merged, read_obj, write_obj

RECIPE_VERSION = 1
FACES_PER_LINK = {"link1": 420, "link2": 420, "link3": 560, "link4": 560, "link5": 800, "link6": 1600,
                  "hand": 560, "finger": 160}  # fmt: skip
SMALLEST_GROUP_FACES = 60


def panda_urdf() -> Path:
    """The path of a Panda URDF with decimated visual meshes and the stock collision shapes, made on first use."""
    stock = Path(pybullet_data.getDataPath()) / "franka_panda"
    recipe = f"{RECIPE_VERSION} {sorted(FACES_PER_LINK.items())}".encode() + (stock / "panda.urdf").read_bytes()
    return cached_folder("panda", recipe, lambda folder: _build(stock, folder)) / "panda.urdf"


def _build(stock: Path, folder: Path) -> None:
    shutil.copytree(stock / "meshes" / "collision", folder / "meshes" / "collision")
    shutil.copy(stock / "LICENSE.txt", folder / "LICENSE.txt")
    visual = folder / "meshes" / "visual"
    visual.mkdir(parents=True)
    urdf = (stock / "panda.urdf").read_text()
    for link, face_count in FACES_PER_LINK.items():
        groups = _groups_by_colour(stock / "meshes" / "visual" / f"{link}.obj")
        total = sum(len(mesh.faces) for mesh in groups.values())
        names = {}
        for number, (rgb, mesh) in enumerate(sorted(groups.items())):
            share = max(SMALLEST_GROUP_FACES, round(face_count * len(mesh.faces) / total))
            names[f"{link}_{number}.obj"] = rgb
            write_obj(visual / f"{link}_{number}.obj", decimated(mesh, share))
        urdf = _with_visuals(urdf, link, names)
    (folder / "panda.urdf").write_text(urdf)


def _groups_by_colour(obj: Path) -> dict[tuple[float, float, float], Mesh]:
    colours = _diffuse_colours(obj.with_suffix(".mtl"))
    groups: dict[tuple[float, float, float], list[Mesh]] = {}
    for material, mesh in read_obj(obj).items():
        groups.setdefault(colours[material], []).append(mesh)
    return {rgb: merged(meshes) for rgb, meshes in groups.items()}


def _diffuse_colours(mtl: Path) -> dict[str, tuple[float, float, float]]:
    text = mtl.read_text()
    pairs = re.findall(r"newmtl (\S+).*?\nKd (\S+) (\S+) (\S+)", text, flags=re.DOTALL)
    return {name: _shown_as(np.array([float(r), float(g), float(b)])) for name, r, g, b in pairs}


def _shown_as(rgb: np.ndarray) -> tuple[float, float, float]:
    """One of the arm's three colours: the file holds stray reds and greens on a handful of hidden faces."""
    shown = [(0.93, 0.94, 0.95), (0.22, 0.23, 0.25), (0.16, 0.42, 0.62)]
    if rgb.min() > 0.8:
        return shown[0]
    return shown[2] if rgb[2] > 0.7 else shown[1]


def _with_visuals(urdf: str, link: str, colour_of: dict[str, tuple[float, float, float]]) -> str:
    """Replace each <visual> of `link`'s mesh by one <visual> per colour, with the origin it had."""

    def several(match: re.Match[str]) -> str:
        block = match.group(0)
        if f"visual/{link}.obj" not in block:
            return block
        made = []
        for name, (r, g, b) in colour_of.items():
            one = block.replace(f"visual/{link}.obj", f"visual/{name}")
            material = f'<material name="{name}"><color rgba="{r} {g} {b} 1"/></material>'
            made.append(re.sub(r"<material.*</material>", material, one, flags=re.DOTALL))
        return "\n".join(made)

    return re.sub(r"<visual>.*?</visual>", several, urdf, flags=re.DOTALL)
