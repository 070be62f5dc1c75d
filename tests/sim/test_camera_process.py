"""Pictures of another process are the pictures that the cell itself would draw."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from trunnion_contract.errors import Broken
from trunnion_sim.camera_process import CameraProcess
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.contents import RandomParts
from trunnion_sim.layout import SORTING_CELL

CONTENTS = RandomParts(("gear", "bolt", "nut"), (3, 1))


@pytest.fixture(scope="module")
def cell() -> Iterator[SimulatedCell]:
    with SimulatedCell() as cell:
        yield cell


@pytest.fixture(scope="module")
def camera(cell: SimulatedCell) -> Iterator[CameraProcess]:
    with CameraProcess(SORTING_CELL) as camera:
        CONTENTS.lay_out(cell)
        camera.lay_out(CONTENTS)
        camera.first_picture(cell)
        yield camera


def test_a_picture_is_the_one_that_the_cell_would_draw(cell: SimulatedCell, camera: CameraProcess) -> None:
    for _ in range(10):
        cell.step(np.array([0.0, -0.3, -0.05]), 0.02)
    assert camera.ask(cell)
    picture = camera.picture(wait_s=30)
    assert picture is not None
    np.testing.assert_array_equal(picture, cell.render())


def test_asking_and_looking_do_not_wait(cell: SimulatedCell, camera: CameraProcess) -> None:
    assert camera.picture() is None
    asked_s, drawn_s = [], []
    for _ in range(5):
        began_s = time.perf_counter()
        assert camera.ask(cell)
        assert not camera.ask(cell)
        looked = camera.picture()
        asked_s.append(time.perf_counter() - began_s)
        assert looked is not None or camera.picture(wait_s=30) is not None
        drawn_s.append(time.perf_counter() - began_s)
    assert min(asked_s) < min(drawn_s) / 2


def test_a_cell_that_is_laid_out_anew_is_seen_so(cell: SimulatedCell, camera: CameraProcess) -> None:
    other = RandomParts(("nut", "nut"), (9,))
    other.lay_out(cell)
    camera.lay_out(other)
    camera.ask(cell)
    np.testing.assert_array_equal(camera.picture(wait_s=30), cell.render())


def test_a_camera_that_died_is_named_and_not_waited_for() -> None:
    with SimulatedCell() as cell, CameraProcess(SORTING_CELL) as camera:
        camera._process.kill()
        camera._process.wait()
        with pytest.raises(Broken, match="process that draws the camera's pictures"):
            camera.first_picture(cell)
