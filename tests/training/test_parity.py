"""Parity: boxes are compared with their partners, whatever their rank, and a box without one shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from tests.training.shapes import draw_image

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.decode import Detections
from trunnion_training.parity import boxes_difference, candidates_difference


def detections(*rows: tuple[float, float, float, float, float, int]) -> Detections:
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


A, B = (10, 10, 30, 30, 0.9, 0), (50, 10, 70, 30, 0.9, 1)


def test_boxes_with_equal_scores_may_change_places() -> None:
    assert boxes_difference([detections(A, B)], [detections(B, A)]).absolute == 0


def test_the_largest_difference_of_any_edge_counts() -> None:
    moved = (10, 10.25, 30, 30, 0.9, 0)
    difference = boxes_difference([detections(A, B)], [detections(moved, B)])
    assert difference.absolute == pytest.approx(0.25)
    assert difference.relative == pytest.approx(0.25 / 10, rel=0.03)


@pytest.mark.parametrize("other", [[], [B], [(10, 10, 30, 30, 0.9, 1), B]])
def test_a_box_without_a_partner_of_its_class_is_as_wrong_as_it_is_large(other: list[tuple]) -> None:
    assert boxes_difference([detections(A, B)], [detections(*other)]).absolute >= 30
    assert boxes_difference([detections(*other)], [detections(A, B)]).absolute >= 30


def test_a_box_that_rounding_moves_across_the_threshold_is_no_difference() -> None:
    just_above, just_below = (10, 10, 30, 30, 0.0500001, 0), (10, 10, 30, 30, 0.0499999, 0)
    assert boxes_difference([detections(just_above)], [detections(just_below)]).absolute == 0


def test_two_boxes_in_one_place_have_one_partner_each() -> None:
    twin = (10.5, 10, 30.5, 30, 0.8, 0)
    assert boxes_difference([detections(A, twin)], [detections(twin, A)]).absolute == 0


class Answers:
    """An engine that gives one table of candidates, float32 [4 + 2, n]."""

    def __init__(self, *rows: tuple[float, ...]) -> None:
        self._table = np.array(rows, np.float32).T[None]

    def infer(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"output0": self._table}


@pytest.mark.parametrize(
    ("other", "wanted"),
    [
        # Suppression would let the first stay in one network, and the second in the other.
        ([(32, 32, 16, 16, 0.8, 0), (33, 32, 16, 16, 0.8000001, 0)], 0),
        ([(32, 32, 16, 16, 0.8, 0), (33, 32, 17, 16, 0.8, 0)], 0.5),
        ([(32, 32, 16, 16, 0.8, 0), (33, 32, 16, 16, 0.01, 0)], 41),
        ([(32, 32, 16, 16, 0.8, 0), (33, 32, 16, 16, 0, 0.8)], 41),
    ],
)
def test_candidates_are_compared_before_they_are_suppressed(
    other: list[tuple[float, ...]], wanted: float, tmp_path: Path
) -> None:
    candidates = Answers((32, 32, 16, 16, 0.8000001, 0), (33, 32, 16, 16, 0.8, 0))
    # A candidate that the other is not sure of ends at 41 px.
    spec = DetectorSpec(
        input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 64, 64)),
        output=TensorSpec(name="output0", dtype="float32", shape=(1, 6, 2)),
        image_size_px=64,
        labels=("disc", "bar"),
        confidence_threshold=0.5,
        form="candidates",
    )
    difference = candidates_difference(candidates, Answers(*other), spec, [picture(tmp_path)])
    assert difference.absolute == pytest.approx(wanted)


def picture(folder: Path) -> Path:
    """A picture of the network's own size, in a dataset."""
    image, label = folder / "images" / "test" / "0.jpg", folder / "labels" / "test" / "0.txt"
    for file in (image, label):
        file.parent.mkdir(parents=True)
    draw_image(image, 0, (64, 64))
    label.write_text("")
    return image


def test_nothing_against_nothing_is_no_difference() -> None:
    assert boxes_difference([detections()], [detections()]).absolute == 0
