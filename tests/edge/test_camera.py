"""The camera: pixels to the table and back."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from trunnion_contract.cell import CameraLayout, CellLayout
from trunnion_contract.errors import BadInput
from trunnion_edge.camera import PinholeCamera

LAYOUT = CameraLayout(
    width_px=320,
    height_px=240,
    vertical_field_of_view_deg=36,
    position_base_m=(0.5, 0.1, 0.9),
    look_at_base_m=(0.45, 0.0, 0.0),
)


def test_the_middle_of_the_image_is_what_the_camera_looks_at(cell: CellLayout) -> None:
    camera = PinholeCamera.from_layout(cell.camera)
    np.testing.assert_allclose(camera.pixel_to_plane([[160, 120]], 0.0), [[0.5, 0, 0]], atol=1e-12)


def test_up_in_the_image_is_away_from_the_robot_and_left_is_its_left(cell: CellLayout) -> None:
    camera = PinholeCamera.from_layout(cell.camera)
    above, left = camera.pixel_to_plane([[160, 20], [20, 120]], 0.0)
    assert above[0] > 0.5
    assert above[1] == pytest.approx(0)
    assert left[1] > 0
    assert left[0] == pytest.approx(0.5)


def test_the_edge_of_the_image_is_half_the_field_of_view_away(cell: CellLayout) -> None:
    camera = PinholeCamera.from_layout(cell.camera)
    top = camera.pixel_to_plane([[160, 0]], 0.0)[0]
    assert top[0] - 0.5 == pytest.approx(0.9 * np.tan(np.radians(18)))


def test_the_optical_frame_is_right_handed_with_z_forward() -> None:
    camera = PinholeCamera.from_layout(LAYOUT)
    rotation = camera.base_from_optical
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    forward = np.subtract(LAYOUT.look_at_base_m, LAYOUT.position_base_m)
    np.testing.assert_allclose(rotation[:, 2], forward / np.linalg.norm(forward), atol=1e-12)


@given(
    st.lists(st.tuples(st.floats(0, 320), st.floats(0, 240)), min_size=1, max_size=5), st.floats(-0.1, 0.3)
)
def test_a_pixel_comes_back_from_any_plane(pixels: list[tuple[float, float]], z: float) -> None:
    camera = PinholeCamera.from_layout(LAYOUT)
    points = camera.pixel_to_plane(pixels, z)
    np.testing.assert_allclose(points[:, 2], z, atol=1e-12)
    np.testing.assert_allclose(camera.project(points), pixels, atol=1e-6)


def test_each_pixel_may_have_a_plane_of_its_own() -> None:
    points = PinholeCamera.from_layout(LAYOUT).pixel_to_plane([[10, 10], [200, 100]], [0.0, 0.05])
    np.testing.assert_allclose(points[:, 2], [0.0, 0.05], atol=1e-12)


def test_what_is_not_in_front_of_the_camera_is_not_a_number() -> None:
    camera = PinholeCamera.from_layout(LAYOUT)
    assert np.isnan(camera.pixel_to_plane([[160, 120]], 1.5)).all()
    assert np.isnan(camera.project([[0.5, 0.1, 1.0]])).all()


def test_a_camera_info_of_the_same_camera_changes_nothing() -> None:
    camera = PinholeCamera.from_layout(LAYOUT)
    again = camera.with_matrix(camera.matrix.reshape(-1).tolist(), 320, 240)
    np.testing.assert_allclose(again.project([[0.5, 0.0, 0.0]]), camera.project([[0.5, 0.0, 0.0]]))
    assert camera.matrix[0, 2] == 159.5, "CameraInfo counts from the centre of the first pixel"


@pytest.mark.parametrize(
    "k", [[0.0] * 9, [1.0] * 8, [float("nan")] * 9, [-300, 0, 160, 0, 300, 120, 0, 0, 1]]
)
def test_a_camera_that_was_never_calibrated_is_refused(k: list[float]) -> None:
    with pytest.raises(BadInput, match="calibrate the camera"):
        PinholeCamera.from_layout(LAYOUT).with_matrix(k, 320, 240)


@pytest.mark.parametrize("changed", [{"image_up_base": (0, 0, 1)}, {"position_base_m": (0.5, 0.0, 0.0)}])
def test_a_view_without_a_direction_is_refused(cell: CellLayout, changed: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="image_up_base"):
        PinholeCamera.from_layout(cell.camera.model_copy(update=changed))
