from __future__ import annotations

import numpy as np
import pytest

from trunnion_sim.meshes import Mesh, area_m2
from trunnion_sim.triangulation import with_fewer_slivers


def _longest_edges_m2(mesh: Mesh) -> float:
    corners = mesh.vertices_m[mesh.faces]
    return float(np.sum((corners - np.roll(corners, 1, axis=1)) ** 2, axis=2).max(axis=1).sum())


def _fan(turn_rad: np.ndarray, bend_m: float) -> Mesh:
    """A disc as a fan of slivers from one point of its rim, bent upwards along x."""
    rim = np.stack([np.cos(turn_rad), np.sin(turn_rad), bend_m * np.cos(turn_rad) ** 2], axis=1)
    steps = np.arange(1, len(rim) - 1)
    return Mesh(0.1 * rim, np.stack([np.zeros_like(steps), steps, steps + 1], axis=1))


def test_a_fan_of_slivers_becomes_the_same_disc_in_stouter_faces() -> None:
    fan = _fan(np.linspace(0, 2 * np.pi, 24, endpoint=False), bend_m=0.0)
    stout = with_fewer_slivers(fan)
    assert len(stout.faces) == len(fan.faces)
    assert area_m2(stout) == pytest.approx(area_m2(fan))
    assert _longest_edges_m2(stout) < 0.7 * _longest_edges_m2(fan)
    corners = stout.vertices_m[stout.faces]
    assert (np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0).all()


def test_a_crease_stays_where_it_is() -> None:
    roof = Mesh(
        np.array([[0, 0, 0], [9, 0, 0], [4, -1, -1], [5, 1, -1]]) / 100, np.array([[0, 2, 1], [0, 1, 3]])
    )
    assert (with_fewer_slivers(roof).faces == roof.faces).all()


def test_a_mesh_of_one_face_stays_as_it_is() -> None:
    face = Mesh(np.eye(3), np.array([[0, 1, 2]]))
    assert (with_fewer_slivers(face).faces == face.faces).all()
