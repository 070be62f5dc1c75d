"""From boxes to parts on the table, and which one to take."""

from __future__ import annotations

import numpy as np
import pytest

from trunnion_contract.cell import CellLayout
from trunnion_edge.camera import PinholeCamera
from trunnion_edge.decode import Detections
from trunnion_edge.parts import SeenPart, choose, in_tray, locate

LABELS = ("gear", "bolt", "nut", "washer")


def gear(x: float, y: float, confidence: float = 0.9) -> SeenPart:
    return SeenPart("gear", (x, y, 0.009), confidence)


def boxes_around(points: np.ndarray, camera: PinholeCamera) -> Detections:
    """Boxes of 20 pixels around where the points appear."""
    uv = camera.project(points).astype(np.float32)
    count = len(points)
    return Detections(
        np.hstack([uv - 10, uv + 10]), np.full(count, 0.8, np.float32), np.arange(count, dtype=np.int64)
    )


def test_a_part_far_from_the_axis_is_found_where_it_stands_and_not_where_its_shadow_would_be(
    cell: CellLayout,
) -> None:
    camera = PinholeCamera.from_layout(cell.camera)
    points = np.array([[0.62, 0.13, 0.009], [0.38, -0.14, 0.009], [0.6, -0.1, 0.008]])
    seen = locate(boxes_around(points, camera), LABELS, camera, cell)
    assert [part.label for part in seen] == ["gear", "bolt", "nut"]
    np.testing.assert_allclose([part.position_base_m for part in seen], points, atol=1e-5)
    assert seen[0].confidence == pytest.approx(0.8)


def test_the_last_digit_of_a_box_or_a_score_moves_no_part(cell: CellLayout) -> None:
    camera = PinholeCamera.from_layout(cell.camera)
    boxes = boxes_around(np.array([[0.62, 0.13, 0.009], [0.38, -0.14, 0.009]]), camera)
    shifted = Detections(boxes.boxes_px + np.float32(1e-3), boxes.scores - np.float32(1e-4), boxes.class_ids)
    assert locate(shifted, LABELS, camera, cell) == locate(boxes, LABELS, camera, cell)


def test_a_class_that_the_cell_does_not_know_is_left_out(cell: CellLayout) -> None:
    camera = PinholeCamera.from_layout(cell.camera)
    points = np.array([[0.5, 0.0, 0.009]] * 4)
    assert len(locate(boxes_around(points, camera), LABELS, camera, cell)) == 3


def test_nothing_seen_is_no_parts(cell: CellLayout) -> None:
    empty = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
    assert locate(empty, LABELS, PinholeCamera.from_layout(cell.camera), cell) == ()


def test_a_part_is_in_the_tray_up_to_its_border(cell: CellLayout) -> None:
    assert in_tray(gear(0.649, 0.149), cell.tray)
    assert not in_tray(gear(0.651, 0.0), cell.tray)
    assert not in_tray(gear(0.5, -0.151), cell.tray)


def test_the_freest_part_is_taken(cell: CellLayout) -> None:
    crowded, free = gear(0.4, 0.0, 0.99), gear(0.6, 0.0, 0.6)
    neighbour = SeenPart("nut", (0.43, 0.0, 0.008), 0.9)
    assert choose("gear", [crowded, neighbour, free], cell.tray) == free


def test_among_free_parts_the_surest_is_taken(cell: CellLayout) -> None:
    sure, unsure = gear(0.4, 0.0, 0.9), gear(0.6, 0.1, 0.5)
    assert choose("gear", [unsure, sure], cell.tray) == sure


def test_what_lies_in_a_bin_or_has_another_label_is_not_taken(cell: CellLayout) -> None:
    parts = [gear(0.5, 0.29), SeenPart("nut", (0.5, 0.0, 0.008), 0.9)]
    assert choose("gear", parts, cell.tray) is None


def test_a_part_that_was_tried_in_vain_is_the_last_choice(cell: CellLayout) -> None:
    tried, crowded, neighbour = (
        gear(0.6, 0.0, 0.99),
        gear(0.4, 0.0, 0.5),
        SeenPart("nut", (0.43, 0.0, 0.008), 0.9),
    )
    spots = [(0.602, 0.001, 0.009)]
    assert choose("gear", [tried, crowded, neighbour], cell.tray, spots) == crowded
    assert choose("gear", [tried, neighbour], cell.tray, spots) == tried
