"""What of a machine can be seen at all: much of its surface lies inside it, and every picture pays for that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trunnion_sim.meshes import Mesh
from trunnion_sim.world import World

# Whoever looks through a gap sees a little of what lies behind it; nobody misses that.
SEEN_FROM_MIN_SHARE = 0.1
_DIRECTIONS, _GRAZING = 64, 0.05
_FAR_M, _OFF_SURFACE_M = 2.0, 5e-5
# The middle of a face, and a place near each of its corners.
_PLACES = np.array([[1, 1, 1], [2.7, 0.15, 0.15], [0.15, 2.7, 0.15], [0.15, 0.15, 2.7]]) / 3


def seen_faces(postures: Sequence[Sequence[Mesh]]) -> list[np.ndarray]:
    """Which faces can be seen from outside in one of a machine's postures: bool [m] for each of its meshes.

    A face is seen if, from one place on it, a tenth of all directions before it are free.

    Args:
        postures: the same meshes in the same order, where each posture puts them.
    """
    ends = np.cumsum([len(mesh.faces) for mesh in postures[0]])[:-1]
    return np.split(np.any([_seen_corners(_corners(meshes)) for meshes in postures], axis=0), ends)


def _corners(meshes: Sequence[Mesh]) -> np.ndarray:
    """The corners of all faces, float64 [m, 3, 3]."""
    return np.concatenate([mesh.vertices_m[mesh.faces] for mesh in meshes])


def _seen_corners(corners_m: np.ndarray) -> np.ndarray:
    """Which of the faces with these corners can be seen; bool [m]."""
    normals = np.cross(corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-15)
    starts_m = np.einsum("pc,mcx->mpx", _PLACES, corners_m) + _OFF_SURFACE_M * normals[:, None]
    facing = normals @ _directions(_DIRECTIONS).T
    wanted = np.maximum(SEEN_FROM_MIN_SHARE * (facing > _GRAZING).sum(axis=1), 1)
    free = np.zeros((len(corners_m), len(_PLACES)))
    for direction, towards in zip(_directions(_DIRECTIONS), facing.T, strict=True):
        asked = np.flatnonzero((towards > _GRAZING) & (free.max(axis=1) < wanted))
        # A renderer leaves out what is seen from behind, and so it hides nothing.
        with World() as world:
            world.add_surface(corners_m[towards > 0])
            for place, starts in enumerate(np.moveaxis(starts_m[asked], 1, 0)):
                free[asked, place] += world.unhindered(starts, starts + _FAR_M * direction)
    return np.asarray(free.max(axis=1) >= wanted)


def _directions(count: int) -> np.ndarray:
    """Unit vectors all over the sphere, neighbours far apart in the list; float64 [n, 3]."""
    number = np.arange(count) * 23 % count
    z = 1 - (2 * number + 1) / count
    turn = np.pi * (1 + 5**0.5) * number
    out = np.sqrt(1 - z * z)
    return np.stack([out * np.cos(turn), out * np.sin(turn), z], axis=1)
