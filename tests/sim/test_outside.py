from __future__ import annotations

import numpy as np

from trunnion_sim.meshes import Mesh
from trunnion_sim.outside import seen_faces
from trunnion_sim.part_meshes import block


def _box(half_m: float, at_m: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Mesh:
    mesh = block(half_m, half_m, half_m)
    return Mesh(mesh.vertices_m + at_m, mesh.faces)


def test_what_lies_inside_is_not_seen_and_what_lies_outside_is() -> None:
    inner, outer = seen_faces([[_box(0.04), _box(0.1)]])
    assert not inner.any()
    assert outer.all()


def test_what_one_posture_hides_another_may_show() -> None:
    box, hidden, beside = _box(0.1), _box(0.04), _box(0.04, (0.5, 0.0, 0.0))
    within, _ = seen_faces([[hidden, box], [beside, box]])
    assert within.all()


def test_a_surface_hides_nothing_from_whoever_sees_its_back() -> None:
    outward = _box(0.1)
    inward = Mesh(outward.vertices_m, outward.faces[:, ::-1])
    inner, shell = seen_faces([[_box(0.04), inward]])
    assert inner.all(), "a renderer leaves out faces that look away"
    assert shell.all(), "the far walls are seen from within the near ones"


def test_a_slit_shows_too_little_to_count() -> None:
    lid = _box(0.1, (0.0, 0.0, 0.201))
    ground, _ = seen_faces([[_box(0.1), lid]])
    top = np.isclose(_box(0.1).vertices_m[_box(0.1).faces][:, :, 2], 0.1).all(axis=1)
    assert top.any()
    assert not ground[top].all()
    assert ground[~top].all()
