from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from trunnion_sim.meshes import (
    Mesh,
    cached_folder,
    corner_normals,
    decimated,
    lasting_normals,
    merged,
    read_obj,
    write_obj,
)
from trunnion_sim.panda_model import panda_urdf
from trunnion_sim.part_meshes import SHAPES
from trunnion_sim.parts import CLUTTER, KINDS, LOOK_ALIKES


def _sphere(rows: int = 24, columns: int = 48) -> Mesh:
    up, around = np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False)
    points = [[np.sin(u) * np.cos(a), np.sin(u) * np.sin(a), np.cos(u)] for u in up for a in around]
    faces = []
    for row in range(rows - 1):
        for column in range(columns):
            a, b = row * columns + column, row * columns + (column + 1) % columns
            faces += [[a, a + columns, b + columns], [a, b + columns, b]]
    return merged([Mesh(np.array(points), np.array(faces))])


def test_decimation_keeps_the_shape_and_drops_most_faces() -> None:
    light = decimated(_sphere(), 400)
    assert len(light.faces) <= 600
    assert np.abs(np.linalg.norm(light.vertices_m, axis=1) - 1).max() < 0.05


def test_a_mesh_that_is_light_enough_stays_as_it_is() -> None:
    sphere = _sphere()
    assert decimated(sphere, 100_000) is sphere


def test_smooth_surfaces_have_normals_that_point_outwards() -> None:
    sphere = _sphere()
    corners = sphere.vertices_m[sphere.faces]
    assert (np.sum(corner_normals(sphere) * corners, axis=2) > 0.98).all()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    sphere = _sphere(6, 8)
    write_obj(tmp_path / "ball.obj", sphere)
    (again,) = read_obj(tmp_path / "ball.obj").values()
    assert np.abs(again.vertices_m - sphere.vertices_m).max() < 1e-6
    assert (again.faces == sphere.faces).all()


def test_lasting_normals_stay_the_same_when_they_are_normalised_in_single_precision() -> None:
    rough = np.random.default_rng(0).normal(size=(2000, 3))
    rough = np.concatenate([rough, np.eye(3), -np.eye(3), [[1, 1, 0], [1, 1e-4, 0]]])
    normals = lasting_normals(rough)
    x, y, z = normals.T
    again = normals * (np.float32(1) / np.sqrt(x * x + y * y + z * z))[:, None]
    assert normals.dtype == again.dtype == np.float32
    assert (again == normals).all()
    assert np.abs(normals - rough / np.linalg.norm(rough, axis=1, keepdims=True)).max() < 1e-6


@pytest.mark.parametrize("label", SHAPES)
def test_part_meshes_are_closed_and_fit_the_part_they_stand_for(label: str) -> None:
    mesh, kind = SHAPES[label](), (KINDS | CLUTTER | LOOK_ALIKES)[label]
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    corners = mesh.vertices_m[mesh.faces]
    volume = np.sum(corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume > 0, "the faces look outwards"
    size = mesh.vertices_m.max(axis=0) - mesh.vertices_m.min(axis=0)
    assert size[2] == pytest.approx(kind.height_m, abs=1e-6)
    across = np.linalg.norm(mesh.vertices_m[:, :2], axis=1).max()
    assert across == pytest.approx(kind.footprint_radius_m, abs=0.001)


def test_the_arm_is_drawn_with_a_tenth_of_its_faces_and_collides_as_before() -> None:
    folder = panda_urdf().parent / "meshes"
    faces = sum(line.startswith("f ") for file in folder.glob("visual/*.obj") for line in file.open())
    assert 3000 < faces < 8000
    assert (folder / "collision" / "hand.obj").is_file()


def test_a_cached_folder_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls: list[Path] = []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "made").write_text("once")

    first = cached_folder("thing", b"recipe", build)
    assert cached_folder("thing", b"recipe", build) == first
    assert cached_folder("thing", b"another recipe", build) != first
    assert len(calls) == 2
    assert (first / "made").read_text() == "once"


def test_a_build_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def build(folder: Path) -> None:
        (folder / "half").write_text("")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        cached_folder("thing", b"recipe", build)
    assert list((tmp_path / "trunnion").iterdir()) == []


def _build_slowly(folder: Path) -> None:
    (folder / "made").write_text("x" * 1_000_000)


def _cached(folder: str) -> str:
    import os

    os.environ["XDG_CACHE_HOME"] = folder
    return str(cached_folder("thing", b"recipe", _build_slowly))


def test_processes_that_build_at_once_share_one_folder(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        made = pool.map(_cached, [str(tmp_path)] * 4)
    assert len(set(made)) == 1
    assert [path.name for path in (tmp_path / "trunnion").iterdir()] == [Path(made[0]).name]
