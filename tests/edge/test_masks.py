"""Masks: which pixels of the source image belong to an object."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

from trunnion_edge.masks import Masks
from trunnion_edge.preprocess import Letterbox

SQUARE_PX, CELLS = 128, 32


def disc(width: int, height: int, x: float, y: float, radius: float) -> np.ndarray:
    """float32 [1, CELLS, CELLS] over the letterboxed square: above 0 within `radius` of x y of the source image."""
    letterbox = Letterbox.fit(width, height, SQUARE_PX)
    centres = (np.arange(CELLS, dtype=np.float32) + 0.5) * SQUARE_PX / CELLS
    square = np.stack(np.meshgrid(centres, centres), axis=-1)
    away = np.linalg.norm(letterbox.points_to_source(square) - np.array([x, y]), axis=-1)
    return (radius - away)[None].astype(np.float32)


def masks(prototypes: np.ndarray, boxes: list[list[float]], size: tuple[int, int], *weights: float) -> Masks:
    coefficients = np.array(weights or [1.0] * len(boxes), np.float32)[:, None]
    return Masks(
        coefficients, prototypes, np.array(boxes, np.float32), Letterbox.fit(*size, SQUARE_PX), SQUARE_PX
    )


def test_a_disc_comes_back_as_a_disc_in_source_pixels() -> None:
    found = masks(disc(320, 240, 100, 120, 40), [[60, 80, 140, 160]], (320, 240))
    image = found.instances()
    rows, columns = np.mgrid[:240, :320] + 0.5
    away = np.hypot(columns - 100, rows - 120)
    assert (image.shape, image.dtype) == ((240, 320), np.uint16)
    # A cell of the prototypes is ten source pixels wide.
    assert (image[away < 38] == 1).all()
    assert (image[away > 42] == 0).all()


@settings(max_examples=60)
@given(st.integers(40, 700), st.integers(40, 700))
def test_whatever_the_size_of_the_image_a_mask_is_where_its_object_is(width: int, height: int) -> None:
    # Smaller than two cells of the prototypes is nothing that they can show.
    assume(min(width, height) > max(width, height) / 4)
    x, y, radius = width * 0.4, height * 0.6, min(width, height) * 0.3
    box = [x - radius, y - radius, x + radius, y + radius]
    inside = masks(disc(width, height, x, y, radius), [box], (width, height)).instances() > 0
    area = np.pi * radius**2
    cell_px = max(width, height) / CELLS
    assert inside.sum() == pytest.approx(area, abs=2 * np.pi * radius * 0.2 * cell_px + 4)
    rows, columns = np.nonzero(inside)
    assert columns.mean() + 0.5 == pytest.approx(x, abs=0.15 * cell_px + 0.5)
    assert rows.mean() + 0.5 == pytest.approx(y, abs=0.15 * cell_px + 0.5)


def test_a_mask_ends_where_its_box_does() -> None:
    everywhere = np.ones((1, CELLS, CELLS), np.float32)
    image = masks(everywhere, [[10.4, 20.6, 30.4, 40.6]], (128, 128)).instances()
    rows, columns = np.nonzero(image)
    # Pixel centres from 10.5 to 29.5 and from 21.5 to 40.5 are inside.
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (10, 29, 21, 40)


def test_where_two_overlap_the_surer_is_on_top() -> None:
    everywhere = np.ones((1, CELLS, CELLS), np.float32)
    image = masks(everywhere, [[0, 0, 20, 20], [10, 10, 40, 40]], (128, 128)).instances()
    assert (image[:20, :20] == 1).all()
    assert (image[20:40, 20:40] == 2).all()
    assert image[60, 60] == 0


def test_a_box_without_a_pixel_has_an_empty_mask() -> None:
    everywhere = np.ones((1, CELLS, CELLS), np.float32)
    found = masks(everywhere, [[5.6, 5.6, 6.4, 6.4], [128, 0, 128, 10]], (128, 128))
    assert [found.patch(index).inside.size for index in range(2)] == [0, 0]
    assert not found.instances().any()


def test_each_row_keeps_its_own_mask() -> None:
    prototypes = np.ones((1, CELLS, CELLS), np.float32)
    found = masks(prototypes, [[0, 0, 10, 10], [20, 20, 30, 30]], (128, 128), 1.0, -1.0)
    assert [found.patch(index).inside.all() for index in range(2)] == [True, False]
    second = found.rows(np.array([1]))
    assert len(second) == 1
    assert not second.instances().any()
