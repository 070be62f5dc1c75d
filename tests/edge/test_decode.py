"""Decoding: which rows become boxes, and where."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from trunnion_contract.detector_spec import DetectorSpec, KeypointSpec, MaskSpec
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.decode import Detections
from trunnion_edge.decode import decode as decode_many
from trunnion_edge.preprocess import Letterbox

# 320x240 in 64: four source pixels to one, and eight rows of padding above.
PLACED = Letterbox.fit(320, 240, 64)


SPEC = DetectorSpec(
    input=TensorSpec(name="images", dtype="float32", shape=("N", 3, 64, 64)),
    output=TensorSpec(name="output0", dtype="float32", shape=("N", "n", 6)),
    image_size_px=64,
    labels=("gear", "bolt", "nut"),
    confidence_threshold=0.5,
)


def decode(output: np.ndarray, letterbox: Letterbox, threshold: float) -> Detections:
    """Of one image."""
    (found,) = decode_many({"output0": output}, SPEC, [letterbox], threshold)
    return found


def rows(*values: list[float]) -> np.ndarray:
    return np.array([values], np.float32)


def test_boxes_come_back_in_source_pixels_the_surest_first() -> None:
    found = decode(rows([10, 18, 20, 28, 0.6, 1], [0, 8, 64, 56, 0.9, 2]), PLACED, 0.5)
    assert found.scores.tolist() == pytest.approx([0.9, 0.6])
    assert found.class_ids.tolist() == [2, 1]
    np.testing.assert_allclose(found.boxes_px, [[0, 0, 320, 240], [50, 50, 100, 100]], rtol=1e-6)


def test_a_score_at_the_threshold_counts_and_one_below_does_not() -> None:
    found = decode(rows([10, 18, 20, 28, 0.5, 0], [10, 18, 20, 28, 0.4999, 0]), PLACED, 0.5)
    assert found.scores.tolist() == [0.5]


def test_a_box_that_reaches_outside_ends_at_the_border() -> None:
    found = decode(rows([-5, 0, 70, 64, 0.9, 0]), PLACED, 0.5)
    assert found.boxes_px.tolist() == [[0, 0, 320, 240]]


def test_a_box_in_the_padding_is_dropped() -> None:
    assert len(decode(rows([10, 0, 20, 6, 0.9, 0]), PLACED, 0.5)) == 0


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_with_a_value_that_is_not_finite_is_dropped(column: int, value: float) -> None:
    row = [0, 8, 64, 56, 0.9, 1.0]
    row[column] = value
    found = decode(rows(row, [10, 18, 20, 28, 0.6, 1]), PLACED, 0.5)
    assert found.scores.tolist() == pytest.approx([0.6])


def is_sighted(rows: np.ndarray) -> bool:
    """Whether a network that found nothing in an image said so in at least one whole row."""
    return bool(np.isfinite(rows).all(axis=1).any())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("columns", [slice(6), slice(4), slice(4, 5)])
def test_an_image_of_which_no_row_is_finite_is_an_error_and_not_an_empty_one(
    columns: slice, value: float
) -> None:
    output = rows([0, 8, 64, 56, 0.9, 1], [10, 18, 20, 28, 0.2, 1])
    output[0, :, columns] = value
    wanted = "the detector's output: got 2 rows, each with a value that is not finite, wanted finite numbers"
    with pytest.raises(Broken, match=wanted):
        decode(output, PLACED, 0.5)
    output[0, 1] = 0
    assert len(decode(output, PLACED, 0.5)) == 0


def test_no_boxes_have_the_shapes_of_many() -> None:
    found = decode(rows([0, 8, 64, 56, 0.1, 0]), PLACED, 0.5)
    assert (found.boxes_px.shape, found.scores.shape, found.class_ids.shape) == ((0, 4), (0,), (0,))
    assert (found.boxes_px.dtype, found.scores.dtype, found.class_ids.dtype) == (
        np.float32,
        np.float32,
        np.int64,
    )


@given(hnp.arrays(np.float32, (1, 7, 6), elements=st.floats(width=32)), st.floats(0, 1))
def test_whatever_a_network_says_boxes_are_inside_the_image_and_sorted(
    output: np.ndarray, threshold: float
) -> None:
    with np.errstate(all="ignore"):
        try:
            found = decode(output, PLACED, threshold)
        except Broken:
            assert not is_sighted(output[0])
            return
    assert np.isfinite(found.boxes_px).all()
    assert (found.boxes_px >= 0).all()
    assert (found.boxes_px <= [320, 240, 320, 240]).all()
    assert (found.boxes_px[:, :2] < found.boxes_px[:, 2:]).all()
    assert (found.scores >= np.float32(threshold)).all()
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("shape", [(1, 6, 300), (2, 300, 6), (300, 6)])
def test_another_layout_of_the_output_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="x1 y1 x2 y2 score class"):
        decode(np.zeros(shape, np.float32), PLACED, 0.5)


CANDIDATES = SPEC.model_copy(
    update={"form": "candidates", "output": TensorSpec(name="output0", dtype="float32", shape=("N", 7, "n"))}
)


def candidates(*rows: list[float]) -> np.ndarray:
    """cx cy w h and three scores each → [1, 7, n]."""
    return np.array([rows], np.float32).transpose(0, 2, 1)


def of_candidates(output: np.ndarray, nms_threshold: float | None = None) -> Detections:
    (found,) = decode_many({"output0": output}, CANDIDATES, [PLACED], 0.5, nms_threshold)
    return found


def test_a_candidate_is_of_its_surest_class_and_its_box_is_given_by_corners() -> None:
    found = of_candidates(candidates([15, 23, 10, 10, 0.1, 0.8, 0.6], [40, 30, 8, 8, 0.2, 0.4, 0.3]))
    np.testing.assert_allclose(found.boxes_px, [[50, 50, 100, 100]], rtol=1e-6)
    assert (found.class_ids.tolist(), found.scores.tolist()) == ([1], pytest.approx([0.8]))


def test_of_candidates_that_overlap_the_surest_stays_by_the_threshold_that_is_given() -> None:
    two = candidates([15, 23, 10, 10, 0, 0.8, 0], [16, 23, 10, 10, 0, 0.9, 0])
    assert of_candidates(two).scores.tolist() == pytest.approx([0.9])
    assert of_candidates(two, nms_threshold=0.95).scores.tolist() == pytest.approx([0.9, 0.8])


@pytest.mark.parametrize("row", range(7))
def test_a_candidate_with_a_value_that_is_not_finite_is_dropped(row: int) -> None:
    output = candidates([15, 23, 10, 10, 0, 0.8, 0], [40, 30, 8, 8, 0.7, 0, 0])
    output[0, row, 0] = np.nan
    assert of_candidates(output).scores.tolist() == pytest.approx([0.7])


def test_candidates_of_which_none_is_finite_are_an_error_and_no_empty_image() -> None:
    output = candidates([15, 23, 10, 10, 0, 0.8, 0], [40, 30, 8, 8, 0.2, 0, 0])
    output[0, 5] = np.nan
    with pytest.raises(Broken, match="2 rows, each with a value that is not finite"):
        of_candidates(output)
    output[0, 5, 1] = 0
    assert len(of_candidates(output)) == 0


def test_a_network_that_gives_no_rows_has_found_nothing() -> None:
    assert len(decode(np.zeros((1, 0, 6), np.float32), PLACED, 0.5)) == 0


@given(hnp.arrays(np.float32, (1, 7, 5), elements=st.floats(width=32)))
def test_whatever_candidates_a_network_gives_boxes_are_inside_the_image_and_sorted(
    output: np.ndarray,
) -> None:
    with np.errstate(all="ignore"):
        try:
            found = of_candidates(output)
        except Broken:
            assert not is_sighted(output[0].T)
            return
    assert np.isfinite(found.boxes_px).all()
    assert (found.boxes_px[:, :2] < found.boxes_px[:, 2:]).all()
    assert (found.boxes_px <= [320, 240, 320, 240]).all()
    assert (np.diff(found.scores) <= 0).all()


def test_images_of_a_batch_are_decoded_as_each_by_itself_in_pixels_of_its_own_size() -> None:
    wide = Letterbox.fit(640, 100, 64)
    output = np.concatenate(
        [rows([10, 30, 20, 34, 0.6, 1], [0, 8, 64, 56, 0.9, 2]), rows([10, 30, 20, 34, 0.7, 0], [0] * 6)]
    )
    both = decode_many({"output0": output}, SPEC, [PLACED, wide], 0.5)
    alone = [decode(output[:1], PLACED, 0.5), decode(output[1:], wide, 0.5)]
    for together, single in zip(both, alone, strict=True):
        np.testing.assert_array_equal(together.boxes_px, single.boxes_px)
        np.testing.assert_array_equal(together.scores, single.scores)


def test_keypoints_come_back_in_source_pixels_also_outside_the_image() -> None:
    spec = SPEC.model_copy(
        update={
            "keypoints": KeypointSpec(names=("nose", "tail")),
            "output": TensorSpec(name="output0", dtype="float32", shape=("N", "n", 12)),
        }
    )
    output = rows([0, 8, 64, 56, 0.9, 0, 10, 18, 0.75, -2, 8, 0.25])
    (found,) = decode_many({"output0": output}, spec, [PLACED], 0.5)
    assert found.keypoints is not None
    assert found.keypoints.tolist() == [[[50, 50, 0.75], [-10, 0, 0.25]]]


def test_keypoints_without_visibility_count_as_visible() -> None:
    spec = SPEC.model_copy(
        update={
            "keypoints": KeypointSpec(names=("nose",), values=2),
            "output": TensorSpec(name="output0", dtype="float32", shape=("N", "n", 8)),
        }
    )
    (found,) = decode_many({"output0": rows([0, 8, 64, 56, 0.9, 0, 10, 18])}, spec, [PLACED], 0.5)
    assert found.keypoints is not None
    assert found.keypoints.tolist() == [[[50, 50, 1]]]


def test_masks_are_of_the_detections_that_are_left_and_survive_the_next_answer() -> None:
    prototypes = TensorSpec(name="prototypes", dtype="float32", shape=("N", 1, 16, 16))
    spec = SPEC.model_copy(
        update={
            "masks": MaskSpec(prototypes=prototypes, coefficients=1),
            "output": TensorSpec(name="output0", dtype="float32", shape=("N", "n", 7)),
        }
    )
    output = rows([0, 8, 32, 56, 0.3, 0, 1], [0, 8, 32, 56, 0.8, 0, -1], [32, 8, 64, 56, 0.9, 0, 1])
    sums = np.ones((1, 1, 16, 16), np.float32)
    (found,) = decode_many({"output0": output, "prototypes": sums}, spec, [PLACED], 0.5)
    sums[:] = -1
    assert found.masks is not None
    image = found.masks.instances()
    assert (image[:, 160:] == 1).all()
    assert not image[:, :160].any()
    assert found.above(0.85).masks is not None
