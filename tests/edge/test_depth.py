"""A box in space is where the thing in the box is, whatever stands behind it, in front of it, or was not measured."""

from __future__ import annotations

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_edge.depth import Boxes3D, DepthSettings, lift
from trunnion_edge.intrinsics import Intrinsics

Array = NDArray[np.float64]
GAP_RATIO = DepthSettings().gap_ratio
seeds = st.integers(0, 2**32 - 1)
NOT_MEASURED = (np.nan, 0.0, -1.0, np.inf, -np.inf)


@st.composite
def cameras(draw: st.DrawFn, least_px: int = 24) -> Intrinsics:
    """Cameras of any size, also odd ones, whose axis need not be in the middle."""
    width, height = draw(st.integers(least_px, 161)), draw(st.integers(least_px, 121))
    fx, fy = draw(st.floats(60, 300)), draw(st.floats(60, 300))
    return Intrinsics(
        width, height, (fx, fy), (width * draw(st.floats(0.3, 0.7)), height * draw(st.floats(0.3, 0.7)))
    )


def fractions(low: float, high: float) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(st.floats(low, high), st.floats(low, high))


def box_in(camera: Intrinsics, centre: tuple[float, float], size: tuple[float, float]) -> Array:
    """A box of that part of the image, in pixels."""
    image = np.array([camera.width_px, camera.height_px])
    middle, half = np.array(centre) * image, np.array(size) * image / 2
    return np.concatenate([middle - half, middle + half])


def pixels_in(camera: Intrinsics, box_px: Array) -> NDArray[np.bool_]:
    """The pixels whose centres are in a box."""
    columns, rows = np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5
    across = (box_px[0] <= columns) & (columns < box_px[2])
    down = (box_px[1] <= rows) & (rows < box_px[3])
    return np.asarray(down[:, None] & across)


def scene(camera: Intrinsics, box_px: Array, object_m: float, behind_m: float) -> NDArray[np.float32]:
    """An upright rectangle before a wall."""
    return np.where(pixels_in(camera, box_px), object_m, behind_m).astype(np.float32)


def box_of(camera: Intrinsics, box_px: Array, near_m: float, far_m: float) -> tuple[Array, Array]:
    """Centre and size in space of a box between two depths."""
    low, high = camera.rays(box_px.reshape(2, 2))
    depth = (near_m + far_m) / 2
    centre = np.array([*((low + high) / 2 * depth), depth])
    return centre, np.array([*((high - low) * depth), far_m - near_m])


def only(boxes: Boxes3D) -> tuple[Array, Array]:
    assert boxes.rows.tolist() == [0]
    return boxes.centres_m[0], boxes.sizes_m[0]


@given(
    camera=cameras(),
    centre=fractions(0.3, 0.7),
    size=fractions(0.2, 0.5),
    object_m=st.floats(0.2, 10),
    behind=st.floats(1.05, 5),
)
def test_a_thing_before_a_wall_is_found_where_it_is(
    camera: Intrinsics,
    centre: tuple[float, float],
    size: tuple[float, float],
    object_m: float,
    behind: float,
) -> None:
    box_px = box_in(camera, centre, size)
    found = only(lift([box_px], scene(camera, box_px, object_m, behind * object_m), camera))
    for seen, true in zip(found, box_of(camera, box_px, object_m, object_m), strict=True):
        np.testing.assert_allclose(seen, true, rtol=1e-6, atol=1e-6)


@given(
    camera=cameras(),
    centre=fractions(0.3, 0.7),
    size=fractions(0.2, 0.5),
    object_m=st.floats(0.3, 3),
    noise_m=st.floats(0, 0.001),
    seed=seeds,
)
def test_a_part_on_a_table_is_found_within_the_noise_of_a_camera_that_counts_millimetres(
    camera: Intrinsics,
    centre: tuple[float, float],
    size: tuple[float, float],
    object_m: float,
    noise_m: float,
    seed: int,
) -> None:
    box_px = box_in(camera, centre, size)
    # As wide as the image of it is, but for a twentieth on each side that is table already.
    wider = box_px + np.array([-1, -1, 1, 1]) * np.tile(box_px[2:] - box_px[:2], 2) / 20
    depth = scene(camera, box_px, object_m, object_m + 0.018 + 2 * GAP_RATIO * object_m)
    depth += np.random.default_rng(seed).uniform(-noise_m, noise_m, depth.shape)
    measured = (np.rint(depth * 1000) / 1000).astype(np.float32)
    seen_m, size_m = only(lift([wider], measured, camera))
    true_m, _ = box_of(camera, wider, object_m, object_m)
    assert np.abs(seen_m[2] - object_m) <= 0.0005 + noise_m + 1e-6
    np.testing.assert_allclose(seen_m[:2] / seen_m[2], true_m[:2] / true_m[2], atol=1e-9)
    assert size_m[2] <= 0.001 + 2 * noise_m + 1e-6


@given(
    camera=cameras(),
    centre=fractions(0.3, 0.7),
    size=fractions(0.3, 0.6),
    missing=st.floats(0, 0.6),
    strayed=st.floats(0, 0.1),
    seed=seeds,
)
def test_pixels_that_were_not_measured_or_strayed_move_nothing(
    camera: Intrinsics,
    centre: tuple[float, float],
    size: tuple[float, float],
    missing: float,
    strayed: float,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    box_px = box_in(camera, centre, size)
    depth = scene(camera, box_px, 1.0, 2.5)
    stray = rng.random(depth.shape) < strayed
    depth[stray] = rng.uniform(0.3, 3.0, int(stray.sum()))
    gone = rng.random(depth.shape) < missing
    depth[gone] = rng.choice(NOT_MEASURED, int(gone.sum()))
    seen_m, size_m = only(lift([box_px], depth, camera))
    assert abs(seen_m[2] - 1.0) <= 2 * GAP_RATIO
    assert size_m[2] <= 4 * GAP_RATIO


@given(camera=cameras(), tilt=fractions(-0.4, 0.4), centre=fractions(0.4, 0.6), size=fractions(0.5, 0.7))
def test_a_tilted_board_is_as_deep_as_it_is_but_for_its_outermost_pixels(
    camera: Intrinsics, tilt: tuple[float, float], centre: tuple[float, float], size: tuple[float, float]
) -> None:
    columns, rows = np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5
    rays = camera.rays(np.stack(np.meshgrid(columns, rows), axis=-1))
    box_px = box_in(camera, centre, size)
    # 1 m away on the optical axis.
    inverse = 1 + np.clip(rays, -1, 1) @ np.array(tilt) / 2
    depth = (1 / inverse).astype(np.float32)
    inside = depth[pixels_in(camera, box_px)]
    near_m, far_m = float(inside.min()), float(inside.max())
    seen_m, size_m = only(lift([box_px], depth, camera))
    assert near_m - 1e-6 <= seen_m[2] - size_m[2] / 2
    assert seen_m[2] + size_m[2] / 2 <= far_m + 1e-6
    assert size_m[2] >= 0.6 * (far_m - near_m)
    assert abs(seen_m[2] - (near_m + far_m) / 2) <= 0.2 * (far_m - near_m) + 1e-6


def seen_behind(front_px: float) -> float:
    """The depth of a box of 40 x 40 pixels before whose left side something narrow is, half way to the camera."""
    camera = Intrinsics(100, 80, (100, 100), (50, 40))
    box_px = np.array([30.0, 20.0, 70.0, 60.0])
    depth = scene(camera, box_px, 2.0, 3.0)
    depth[:, : int(40 + front_px)] = 1.0
    return float(only(lift([box_px], depth, camera))[0][2])


def test_what_hides_less_than_a_quarter_of_the_middle_is_looked_past_and_more_is_the_thing_itself() -> None:
    assert seen_behind(4) == pytest.approx(2.0)
    assert seen_behind(6) == pytest.approx(1.0)


def test_the_hole_of_a_ring_is_not_its_depth() -> None:
    camera = Intrinsics(100, 80, (100, 100), (50, 40))
    box_px = np.array([30.0, 20.0, 70.0, 60.0])
    depth = scene(camera, box_px, 2.0, 3.0)
    depth[32:48, 42:58] = 3.0
    assert only(lift([box_px], depth, camera))[0][2] == pytest.approx(2.0)


def test_a_thing_at_the_border_is_found_as_long_as_its_middle_is_in_the_image() -> None:
    camera = Intrinsics(100, 80, (100, 100), (50, 40))
    depth = np.full((80, 100), 2.0, np.float32)
    boxes = lift([[-20, 0, 30, 40], [-30, 0, 29, 40], [60, 70, 140, 90], [100, 0, 140, 40]], depth, camera)
    assert boxes.rows.tolist() == [0]
    np.testing.assert_allclose(boxes.centres_m[0], [-0.9, -0.4, 2.0])


def test_a_box_thinner_than_a_pixel_has_the_depth_of_the_pixel_that_it_is_in() -> None:
    camera = Intrinsics(3, 1, (10, 10), (1.5, 0.5))
    depth = np.array([[1.0, 2.0, 3.0]], np.float32)
    boxes = lift([[1.1, 0.1, 1.2, 0.2], [2.9, 0.5, 2.9, 0.5]], depth, camera)
    assert boxes.centres_m[:, 2].tolist() == [2.0, 3.0]


@pytest.mark.parametrize("nothing", NOT_MEASURED)
def test_where_nothing_was_measured_nothing_is_found(nothing: float) -> None:
    camera = Intrinsics(64, 48, (60, 60), (32, 24))
    depth = np.full((48, 64), nothing, np.float32)
    assert not len(lift([[8, 8, 40, 40], [0, 0, 64, 48]], depth, camera).rows)


def test_where_hardly_anything_was_measured_nothing_is_found() -> None:
    camera = Intrinsics(64, 48, (60, 60), (32, 24))
    depth = np.full((48, 64), np.nan, np.float32)
    depth[20:22, 20:30] = 1.0
    assert not len(lift([[8, 8, 40, 40]], depth, camera).rows)


@given(
    camera=cameras(least_px=1),
    boxes=st.lists(st.tuples(*[st.floats(width=32)] * 4), max_size=6),
    seed=seeds,
    measured=st.floats(0, 1),
)
def test_whatever_the_boxes_are_each_is_found_on_its_line_of_sight_or_left_out(
    camera: Intrinsics, boxes: list[tuple[float, ...]], seed: int, measured: float
) -> None:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.1, 9.0, (camera.height_px, camera.width_px)).astype(np.float32)
    depth[rng.random(depth.shape) > measured] = np.nan
    found = lift(boxes, depth, camera)
    assert (np.diff(found.rows) > 0).all()
    assert found.centres_m.shape == found.sizes_m.shape == (len(found.rows), 3)
    assert np.isfinite(found.centres_m).all()
    assert (found.sizes_m >= 0).all()
    middles = np.array(boxes, np.float64).reshape(-1, 2, 2)[found.rows].mean(axis=1)
    on_sight = found.centres_m[:, :2] / found.centres_m[:, 2:]
    np.testing.assert_allclose(on_sight, camera.rays(middles), rtol=1e-6, atol=1e-6)


@given(k1=st.floats(-0.2, 0.2), k2=st.floats(-0.02, 0.02), centre=fractions(-0.25, 0.25))
def test_a_lens_that_bends_lines_does_not_move_a_thing(
    k1: float, k2: float, centre: tuple[float, float]
) -> None:
    camera = Intrinsics.from_matrix([300, 0, 159.5, 0, 300, 119.5, 0, 0, 1], 320, 240)
    lens = (k1, k2, 0.0, 0.0, 0.0)
    x, y = centre
    sides_m = np.array([[x - 0.1, y, 1], [x + 0.1, y, 1], [x, y - 0.05, 1], [x, y + 0.05, 1]])
    seen, _ = cv2.projectPoints(sides_m, np.zeros(3), np.zeros(3), camera_matrix(camera), np.array(lens))
    left, right, top, bottom = seen.reshape(4, 2) + 0.5
    depth = np.full((240, 320), 1.0, np.float32)
    bent = camera.with_distortion("plumb_bob", lens)
    seen_m, size_m = only(lift([[left[0], top[1], right[0], bottom[1]]], depth, bent))
    # Under such a lens, the middle of a side is seen a little beside the middle of the side that is seen.
    np.testing.assert_allclose(seen_m, [x, y, 1], atol=1.5e-3)
    np.testing.assert_allclose(size_m, [0.2, 0.1, 0], atol=3e-3)


def camera_matrix(camera: Intrinsics) -> Array:
    (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
    return np.array([[fx, 0, cx - 0.5], [0, fy, cy - 0.5], [0, 0, 1]])


def test_a_depth_image_of_another_size_is_refused() -> None:
    camera = Intrinsics(64, 48, (60, 60), (32, 24))
    with pytest.raises(BadInput, match=r"got 32 x 24, wanted 64 x 48.*register the depth"):
        lift([[0, 0, 10, 10]], np.ones((24, 32), np.float32), camera)
