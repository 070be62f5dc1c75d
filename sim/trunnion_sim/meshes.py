"""Triangle meshes: reading and writing Wavefront files, decimating, smooth normals, and the cache they live in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import fast_simplification
import numpy as np

from trunnion_contract.files import digest_bytes


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh: `vertices_m` float64 [n, 3], `faces` int64 [m, 3], counter-clockwise seen from outside."""

    vertices_m: np.ndarray
    faces: np.ndarray


def read_obj(path: Path) -> dict[str, Mesh]:
    """Read a Wavefront file as one mesh per material name; faces with more corners are split into fans."""
    vertices: list[list[float]] = []
    faces: dict[str, list[list[int]]] = {}
    material = ""
    for line in path.read_text().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            vertices.append([float(word) for word in words[1:4]])
        elif words[0] == "usemtl":
            material = words[1]
        elif words[0] == "f":
            corners = [int(word.split("/")[0]) - 1 for word in words[1:]]
            fan = [[corners[0], a, b] for a, b in pairwise(corners[1:])]
            faces.setdefault(material, []).extend(fan)
    return {name: Mesh(np.array(vertices), np.array(group)) for name, group in faces.items()}


def merged(meshes: list[Mesh]) -> Mesh:
    """Join meshes into one, with vertices at the same place (to 10 µm) shared and unused ones dropped."""
    starts = np.cumsum([0] + [len(mesh.vertices_m) for mesh in meshes[:-1]])
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)])
    corners = np.concatenate([mesh.vertices_m for mesh in meshes])[faces].reshape(-1, 3)
    _, first, inverse = np.unique(np.round(corners * 1e5), axis=0, return_index=True, return_inverse=True)
    shared = inverse.reshape(-1, 3)
    whole = (shared[:, 0] != shared[:, 1]) & (shared[:, 1] != shared[:, 2]) & (shared[:, 0] != shared[:, 2])
    return Mesh(corners[first], shared[whole])


def area_m2(mesh: Mesh) -> float:
    """How large the surface is."""
    a, b, c = (mesh.vertices_m[mesh.faces[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def decimated(mesh: Mesh, face_count: int) -> Mesh:
    """Reduce a mesh to about `face_count` faces by quadric edge collapse; a smaller mesh comes back as it is."""
    if len(mesh.faces) <= face_count:
        return mesh
    points, faces = fast_simplification.simplify(
        mesh.vertices_m.astype(np.float32), mesh.faces.astype(np.int32), target_count=face_count, agg=3
    )
    return merged([Mesh(np.asarray(points, float), np.asarray(faces, np.int64))])


def corner_normals(mesh: Mesh, crease_deg: float = 35.0) -> np.ndarray:
    """Unit normals per face corner, float64 [m, 3, 3]: smooth over gentle edges, sharp over creases."""
    a, b, c = (mesh.vertices_m[mesh.faces[:, corner]] for corner in range(3))
    weighted = np.cross(b - a, c - a)
    unit = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-15)
    around: list[list[int]] = [[] for _ in range(len(mesh.vertices_m))]
    for face, corners in enumerate(mesh.faces):
        for vertex in corners:
            around[vertex].append(face)
    normals = np.empty((len(mesh.faces), 3, 3))
    limit = np.cos(np.radians(crease_deg))
    for face, corners in enumerate(mesh.faces):
        for corner, vertex in enumerate(corners):
            near = np.array(around[vertex])
            smooth = near[unit[near] @ unit[face] >= limit]
            normal = weighted[smooth].sum(axis=0) if len(smooth) else unit[face]
            normals[face, corner] = normal / max(float(np.linalg.norm(normal)), 1e-15)
    return normals


def lasting_normals(normals: np.ndarray) -> np.ndarray:
    """Unit vectors that stay the same to the last bit when they are normalised, float32 [n, 3] from float [n, 3].

    TinyRenderer normalises a mesh's normals in place in every picture, in single precision. Most vectors then change in
    the last bit from picture to picture, and a pixel in a million with them; those whose length is exactly 1 never do.
    """
    unit = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    last_bit = np.spacing(unit)[:, None]
    nearby = np.array(sorted(product(range(-3, 4), repeat=3), key=np.linalg.norm), np.float32)
    candidates = unit[:, None] + nearby * last_bit
    lasting = _single_precision_length(candidates) == 1
    assert lasting.any(axis=1).all(), "some neighbour has a length of exactly 1"
    return np.asarray(candidates[np.arange(len(unit)), lasting.argmax(axis=1)])


def _single_precision_length(vectors: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def write_obj(path: Path, *meshes: Mesh, texture: str | None = None) -> None:
    """Write a Wavefront file with a normal for every corner.

    With `texture`, the name of an image beside the file, mesh number k of n takes the colour of the k-th of n columns.
    """
    lines: list[str] = []
    if texture:
        material = path.with_suffix(".mtl")
        material.write_text(f"newmtl surface\nKd 1 1 1\nmap_Kd {texture}\n")
        lines += [f"mtllib {material.name}", "usemtl surface"]
    first_vertex = first_normal = 1
    for number, mesh in enumerate(meshes):
        normals, index = np.unique(
            np.round(corner_normals(mesh), 4).reshape(-1, 3), axis=0, return_inverse=True
        )
        lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in mesh.vertices_m]
        lines += [f"vt {(number + 0.5) / len(meshes):.4f} 0.5"]
        lines += [f"vn {x:.9g} {y:.9g} {z:.9g}" for x, y, z in lasting_normals(normals)]
        for face, normal in zip(mesh.faces + first_vertex, index.reshape(-1, 3) + first_normal, strict=True):
            lines.append("f " + " ".join(f"{v}/{number + 1}/{n}" for v, n in zip(face, normal, strict=True)))
        first_vertex += len(mesh.vertices_m)
        first_normal += len(normals)
    path.write_text("\n".join(lines) + "\n")


def cache_root() -> Path:
    """The user's cache folder for Trunnion: $XDG_CACHE_HOME/trunnion, or ~/.cache/trunnion."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trunnion"


def cached_folder(name: str, recipe: bytes, build: Callable[[Path], None]) -> Path:
    """The folder that `build` fills, made once per `recipe` and whole or absent, whoever else builds it meanwhile.

    What this module does to meshes is part of every recipe.
    """
    folder = cache_root() / f"{name}-{digest_bytes(recipe + Path(__file__).read_bytes())[:16]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        build(work)
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was first, with the same bytes
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder
