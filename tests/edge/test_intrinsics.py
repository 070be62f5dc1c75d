"""A line of sight is that of the calibrated camera, whatever its lens, its region of interest and its binning."""

from __future__ import annotations

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from trunnion_contract.errors import BadInput
from trunnion_edge.intrinsics import DISTORTION_MODELS, Intrinsics

K = [400.0, 0.0, 319.5, 0.0, 410.0, 239.5, 0.0, 0.0, 1.0]
CAMERA = Intrinsics.from_matrix(K, 640, 480)
pixels = st.lists(st.tuples(st.floats(0, 640), st.floats(0, 480)), min_size=1, max_size=5)
small = st.floats(-0.02, 0.02)
LENSES = {
    "plumb_bob": st.tuples(st.floats(-0.25, 0.3), st.floats(-0.05, 0.05), small, small, small),
    "rational_polynomial": st.tuples(
        st.floats(0, 0.6), st.floats(-0.05, 0.2), small, small, small, st.floats(0, 0.6), small, small
    ),
}


def test_a_box_that_is_the_whole_image_has_the_optical_axis_where_the_matrix_puts_it() -> None:
    np.testing.assert_allclose(CAMERA.rays([320.0, 240.0]), [0, 0])
    np.testing.assert_allclose(CAMERA.rays([720.0, 240.0]), [1, 0])


@pytest.mark.parametrize("model", LENSES)
@given(data=st.data())
def test_a_point_is_seen_where_opencv_projects_it(model: str, data: st.DataObject) -> None:
    coefficients = data.draw(LENSES[model])
    rays = np.array(
        data.draw(st.lists(st.tuples(st.floats(-0.75, 0.75), st.floats(-0.55, 0.55)), min_size=1))
    )
    points = np.column_stack([rays, np.ones(len(rays))])
    matrix = np.reshape(K, (3, 3))
    seen, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(coefficients))
    lens = CAMERA.with_distortion(model, coefficients)
    # OpenCV counts from the centre of the first pixel.
    found = lens.rays(seen.reshape(-1, 2) + 0.5)
    np.testing.assert_allclose(found, rays, atol=2 * 0.05 / 400)


def test_no_lens_is_left_untested() -> None:
    assert LENSES.keys() == DISTORTION_MODELS.keys()


def test_where_the_lens_model_folds_there_is_no_line_of_sight() -> None:
    folded = CAMERA.with_distortion("plumb_bob", [-0.4, 0, 0, 0, 0])
    assert np.isfinite(folded.rays([320.0, 240.0])).all()
    assert np.isnan(folded.rays([5000.0, 240.0])).all()


@given(uv=pixels, left=st.integers(0, 300), top=st.integers(0, 200), binning=st.sampled_from([1, 2, 4]))
def test_a_pixel_of_a_region_and_of_a_binned_image_looks_where_it_looked(
    uv: list[tuple[float, float]], left: int, top: int, binning: int
) -> None:
    part = CAMERA.cut_to(left, top, 320, 240).binned(binning, binning)
    assert (part.width_px, part.height_px) == (320 // binning, 240 // binning)
    there = (np.array(uv) - (left, top)) / binning
    np.testing.assert_allclose(part.rays(there), CAMERA.rays(uv), atol=1e-9)


@pytest.mark.parametrize("model", ["", "plumb_bob", "rational_polynomial"])
@pytest.mark.parametrize("coefficients", [[], [0.0] * 5, [0.0] * 14])
def test_coefficients_of_nothing_are_no_distortion(model: str, coefficients: list[float]) -> None:
    assert CAMERA.with_distortion(model, coefficients) == CAMERA


@pytest.mark.parametrize(
    ("model", "coefficients", "wanted"),
    [
        ("equidistant", [0.0] * 4, "one of plumb_bob, rational_polynomial"),
        ("", [0.1], "one of plumb_bob"),
        ("plumb_bob", [0.1] * 6, "at most 5 finite coefficients"),
        ("rational_polynomial", [0.1] * 9, "at most 8 finite coefficients"),
        ("plumb_bob", [float("nan")] * 5, "at most 5 finite coefficients"),
    ],
)
def test_a_lens_that_is_not_understood_is_refused(model: str, coefficients: list[float], wanted: str) -> None:
    with pytest.raises(BadInput, match=wanted):
        CAMERA.with_distortion(model, coefficients)


@pytest.mark.parametrize(
    "matrix", [[0.0] * 9, K[:8], [float("nan")] * 9, [-1.0, *K[1:]], [400.0, 2.0, *K[2:]]]
)
def test_a_matrix_of_no_pinhole_camera_is_refused(matrix: list[float]) -> None:
    with pytest.raises(BadInput, match="calibrate the camera"):
        Intrinsics.from_matrix(matrix, 640, 480)


def test_a_refusal_calls_the_matrix_by_its_name() -> None:
    with pytest.raises(BadInput, match="got the matrix = "):
        Intrinsics.from_matrix([0.0] * 9, 640, 480, name="the matrix")


@pytest.mark.parametrize("region", [(-1, 0, 10, 10), (0, 0, 641, 480), (600, 0, 41, 10), (0, 0, 0, 10)])
def test_a_region_that_is_not_in_the_image_is_refused(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadInput, match="inside the image of 640 x 480"):
        CAMERA.cut_to(*region)


@pytest.mark.parametrize("binning", [(0, 1), (1, 481)])
def test_a_binning_that_leaves_no_pixel_is_refused(binning: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match="within the image"):
        CAMERA.binned(*binning)
