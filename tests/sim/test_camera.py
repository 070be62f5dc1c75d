from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from trunnion_edge.camera import PinholeCamera
from trunnion_sim.camera import CellCamera, Light
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.imaging import blurred, noisy
from trunnion_sim.labels import label_parts
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.part_meshes import SHAPES
from trunnion_sim.parts import Placement
from trunnion_sim.randomisation import jittered_camera
from trunnion_sim.renderer import Look, Renderer
from trunnion_sim.shading import cast_shadows, occlusion
from trunnion_sim.textures import PATTERNS, Texture

CAMERAS = [
    SORTING_CELL.camera,
    *(jittered_camera(SORTING_CELL.camera, np.random.default_rng(n)) for n in range(3)),
]


@pytest.fixture(scope="module")
def cell() -> Iterator[SimulatedCell]:
    with SimulatedCell() as cell:
        yield cell


def _lie(cell: SimulatedCell) -> None:
    """Parts in all corners of the tray, the hand away from it."""
    places = [("gear", 0.42, 0.08), ("bolt", 0.58, 0.07), ("nut", 0.44, -0.09), ("gear", 0.57, -0.06)]
    cell.reset([Placement(label, (x, y, 0.014), 0.5 + y) for label, x, y in places])
    cell.robot.place(np.array([0.36, 0.0, 0.45]), 0.08)


@pytest.mark.parametrize("layout", CAMERAS)
def test_the_picture_agrees_with_the_edges_camera_to_a_pixel(cell: SimulatedCell, layout) -> None:  # type: ignore[no-untyped-def]
    _lie(cell)
    pinhole, frame = PinholeCamera.from_layout(layout), CellCamera(layout).capture(cell.world, Light())
    for part in cell.parts:
        outline = SHAPES[part.kind.label]().vertices_m @ part.rotation_base().T + part.position_base_m()
        drawn_y, drawn_x = np.nonzero(frame.bodies == part.body)
        drawn = [drawn_x.min(), drawn_y.min(), drawn_x.max() + 1, drawn_y.max() + 1]
        expected = pinhole.project(outline)
        assert np.abs(np.array([*expected.min(axis=0), *expected.max(axis=0)]) - drawn).max() <= 1.0


def test_the_middle_of_a_label_leads_back_to_the_part(cell: SimulatedCell) -> None:
    _lie(cell)
    renderer, pinhole = Renderer(SORTING_CELL, Look()), PinholeCamera.from_layout(SORTING_CELL.camera)
    labels = label_parts(renderer.picture(cell.world), renderer.camera, cell.parts, renderer.supersampling)
    assert [label.label for label in labels] == [part.kind.label for part in cell.parts]
    for label, part in zip(labels, cell.parts, strict=True):
        x1, y1, x2, y2 = label.box_px
        seen = pinhole.pixel_to_plane([((x1 + x2) / 2, (y1 + y2) / 2)], part.position_base_m()[2])[0]
        assert np.linalg.norm(seen - part.position_base_m()) < 0.003
        assert label.visible > 0.6


def test_parts_under_the_arm_get_no_label(cell: SimulatedCell) -> None:
    cell.reset([Placement("gear", (0.5, 0.0, 0.014), 0.0)])
    cell.robot.place(np.array([0.5, 0.0, 0.10]), 0.08)
    renderer = Renderer(SORTING_CELL, Look())
    assert label_parts(renderer.picture(cell.world), renderer.camera, cell.parts, 2) == []


def test_from_where_the_executive_looks_the_arm_does_not_hide_the_tray(cell: SimulatedCell) -> None:
    cell.reset([])
    corners = np.array([[x, y, 0.01] for x in (0.37, 0.63) for y in (-0.13, 0.13)])
    tray = PinholeCamera.from_layout(SORTING_CELL.camera).project(corners)
    mask = np.zeros((240, 320), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(tray.astype(np.int32)), 1)
    frame = CellCamera(SORTING_CELL.camera).capture(cell.world, Light())
    assert not ((frame.bodies == cell.robot.body) & (mask > 0)).any()


def test_heights_are_read_from_the_depth_buffer(cell: SimulatedCell) -> None:
    _lie(cell)
    camera = CellCamera(SORTING_CELL.camera)
    frame = camera.capture(cell.world, Light())
    heights_m = camera.heights_m(frame.depth)
    gear = heights_m[frame.bodies == cell.parts[0].body]
    assert gear.max() == pytest.approx(0.023, abs=0.001)
    assert camera.heights_m(camera.ground_depth()) == pytest.approx(np.zeros((240, 320)), abs=1e-4)


def test_pictures_have_the_layouts_size_and_show_parts_scenery_and_light(cell: SimulatedCell) -> None:
    _lie(cell)
    picture = Renderer(SORTING_CELL, Look()).picture(cell.world)
    dark = Renderer(SORTING_CELL, Look(exposure=0.4)).picture(cell.world)
    assert picture.image_bgr.shape == (240, 320, 3)
    assert picture.image_bgr.dtype == np.uint8
    assert dark.image_bgr.mean() == pytest.approx(0.4 * picture.image_bgr.mean(), rel=0.05)
    assert picture.image_bgr.std() > 30


def test_a_post_casts_its_shadow_away_from_the_light() -> None:
    heights_m = np.zeros((60, 60), np.float32)
    heights_m[28:32, 28:32] = 0.05
    shadow = cast_shadows(heights_m, (1.0, 0.0), rise_m_per_px=0.005)
    assert shadow[30, 22] > 0.5
    assert shadow[30, 38] < 0.1
    assert shadow[30, 10] < 0.1, "the shadow is as long as the light is steep"


def test_the_bottom_of_a_hole_is_darker_than_the_plain() -> None:
    heights_m = np.zeros((40, 40), np.float32)
    heights_m[18:22, 18:22] = -0.02
    shade = occlusion(heights_m)
    assert shade[20, 20] > 0.2
    assert shade[5, 5] == 0


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_texture_varies_around_one_and_continues_itself(pattern: str) -> None:
    points = np.stack(np.meshgrid(np.linspace(0, 0.999, 256), np.linspace(0, 0.999, 256)), axis=-1)
    brightness = Texture(pattern, strength=0.2, scale_m=1.0, seed=1).brightness(points.astype(np.float32))
    assert 0.01 < brightness.std() < 0.25
    assert abs(float(brightness.mean()) - 1) < 0.1
    again = Texture(pattern, strength=0.2, scale_m=1.0, seed=1).brightness((points + 3).astype(np.float32))
    assert again == pytest.approx(brightness, abs=0.02)


def test_noise_and_blur_do_what_they_say() -> None:
    grey = np.full((100, 100, 3), 128, np.uint8)
    assert noisy(grey, 10.0, np.random.default_rng(0)).std() == pytest.approx(10, rel=0.05)
    edge = np.zeros((20, 20, 3), np.uint8)
    edge[:, 10:] = 255
    assert 0 < blurred(edge, 1.5)[10, 8, 0] < 128
    assert noisy(grey, 0.0, np.random.default_rng(0)) is grey
    assert blurred(grey, 0.0) is grey
