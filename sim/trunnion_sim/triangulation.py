"""The same surface in stouter triangles: a slender one costs a renderer the rectangle around it, pixel by pixel."""

from __future__ import annotations

import numpy as np

from trunnion_sim.meshes import Mesh

FLAT_DEG = 5.0
_GAIN_MIN_M2 = 1e-9
_ROUNDS = 12


def with_fewer_slivers(mesh: Mesh) -> Mesh:
    """Turn edges between faces that lie flat where the longest edges of the two become shorter; as many faces."""
    faces = mesh.faces.copy()
    for _ in range(_ROUNDS):
        if not _turn_edges(mesh.vertices_m, faces):
            break
    return Mesh(mesh.vertices_m, faces)


def _turn_edges(vertices_m: np.ndarray, faces: np.ndarray) -> bool:
    """Turn edges in place, the most worthwhile first and of each face one at most; whether there was any."""
    quads, edges = _quads(faces)
    _, _, a, b, c, d = quads.T
    gain = _cost(vertices_m, a, b, c) + _cost(vertices_m, b, a, d)
    gain -= _cost(vertices_m, a, d, c) + _cost(vertices_m, d, b, c)
    worth = np.flatnonzero((gain > _GAIN_MIN_M2) & _stays_flat(vertices_m, a, b, c, d))
    best_first = worth[np.argsort(-gain[worth], kind="stable")]
    turned: set[int] = set()
    for first, second, start, end, left, right in quads[best_first].tolist():
        across = (min(left, right), max(left, right))
        if across in edges or turned & {first, second}:
            continue
        faces[first], faces[second] = (start, right, left), (right, end, left)
        turned |= {first, second}
        edges.add(across)
    return bool(turned)


def _quads(faces: np.ndarray) -> tuple[np.ndarray, set[tuple[int, int]]]:
    """Pairs of faces that share an edge which no third one has, int64 [n, 6], and all edges.

    A pair is its two faces, the edge as it runs in the first, and the corners to the left and to the right of it.
    """
    starts, ends = faces.T.ravel(), np.roll(faces, -1, axis=1).T.ravel()
    across = np.roll(faces, -2, axis=1).T.ravel()
    face = np.tile(np.arange(len(faces)), 3)
    edges, number, count = np.unique(
        np.sort(np.stack([starts, ends], axis=1), axis=1), axis=0, return_inverse=True, return_counts=True
    )
    order = np.argsort(number.ravel(), kind="stable")
    first, second = order[count[number.ravel()[order]] == 2].reshape(-1, 2).T
    sound = (starts[first] == ends[second]) & (across[first] != across[second])
    first, second = first[sound], second[sound]
    pairs = [face[first], face[second], starts[first], ends[first], across[first], across[second]]
    return np.stack(pairs, axis=1), set(map(tuple, edges.tolist()))


def _cost(vertices_m: np.ndarray, *corners: np.ndarray) -> np.ndarray:
    """The square of each face's longest edge, float64 [n] m²; that is what the rectangle around it grows with."""
    a, b, c = (vertices_m[corner] for corner in corners)
    return np.asarray(np.max([np.sum((q - p) ** 2, axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0))


def _stays_flat(
    vertices_m: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray
) -> np.ndarray:
    """Whether both faces before and both after look where the pair looks, and none is without area; bool [n]."""
    pair = _area(vertices_m, a, b, c) + _area(vertices_m, b, a, d)
    flat = np.ones(len(pair), bool)
    for corners in ((a, b, c), (b, a, d), (a, d, c), (d, b, c)):
        area = _area(vertices_m, *corners)
        size = np.linalg.norm(area, axis=1) * np.linalg.norm(pair, axis=1)
        flat &= (np.sum(area * pair, axis=1) >= np.cos(np.radians(FLAT_DEG)) * size) & (size > 0)
    return flat


def _area(vertices_m: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Twice the area of each face, as a vector along its normal; float64 [n, 3]."""
    return np.cross(vertices_m[b] - vertices_m[a], vertices_m[c] - vertices_m[a])
