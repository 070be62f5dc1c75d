"""Average precision against cases worked out by hand and against a second, plainer implementation of COCO's rules."""

from __future__ import annotations

import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_edge.accuracy import IOU_THRESHOLDS, TrueBoxes, confusion, evaluate, measure, overlaps
from trunnion_edge.decode import Detections

BOX = [10.0, 10.0, 20.0, 20.0]
FAR = [50.0, 50.0, 60.0, 60.0]


def found(*rows: tuple[list[float], float, int]) -> Detections:
    """Rows of (box, score, class), the surest first."""
    return Detections(
        np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[1] for row in rows], np.float32),
        np.array([row[2] for row in rows], np.int64),
    )


def true(*rows: tuple[list[float], int]) -> TrueBoxes:
    return TrueBoxes(
        np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[1] for row in rows], np.int64),
    )


def shifted(box: list[float], by: float) -> list[float]:
    return [box[0] + by, box[1], box[2] + by, box[3]]


def test_overlap_is_intersection_over_union() -> None:
    a = np.array([BOX, FAR, [10, 10, 10, 10]], np.float32)
    b = np.array([shifted(BOX, 5), BOX], np.float32)
    np.testing.assert_allclose(overlaps(a, b), [[1 / 3, 1], [0, 0], [0, 0]])


def test_a_perfect_detector_has_one() -> None:
    accuracy = measure([found((BOX, 0.9, 0)), found((FAR, 0.8, 1))], [true((BOX, 0)), true((FAR, 1))])
    assert accuracy.map50 == pytest.approx(1)
    assert accuracy.map50_95 == pytest.approx(1)


def test_a_blind_detector_has_zero() -> None:
    assert measure([found()], [true((BOX, 0))]).map50 == 0


def test_a_shifted_box_counts_at_the_overlaps_that_it_reaches() -> None:
    # 10 wide, shifted by 2: 8 / 12 = 0.667, which passes 0.50, 0.55, 0.60 and 0.65.
    accuracy = measure([found((shifted(BOX, 2), 0.9, 0))], [true((BOX, 0))])
    assert accuracy.map50 == pytest.approx(1)
    assert accuracy.map50_95 == pytest.approx(0.4)


def test_a_sure_false_alarm_costs_precision_at_every_recall() -> None:
    accuracy = measure([found((FAR, 0.9, 0), (BOX, 0.8, 0))], [true((BOX, 0))])
    assert accuracy.map50 == pytest.approx(0.5)


def test_an_unsure_false_alarm_costs_nothing() -> None:
    assert measure([found((BOX, 0.8, 0), (FAR, 0.1, 0))], [true((BOX, 0))]).map50 == pytest.approx(1)


def test_half_of_the_boxes_found_is_the_recalls_up_to_a_half() -> None:
    # Recalls 0.00 to 0.50 are 51 of 101.
    assert measure([found((BOX, 0.9, 0))], [true((BOX, 0), (FAR, 0))]).map50 == pytest.approx(51 / 101)


def test_a_second_box_on_the_same_part_is_a_false_alarm() -> None:
    truths = [true((BOX, 0)), true((FAR, 0))]
    twice = [found((BOX, 0.9, 0), (shifted(BOX, 1), 0.85, 0)), found((FAR, 0.8, 0))]
    # Precision 1 up to recall 0.5 (51 recalls), 2/3 beyond.
    assert measure(twice, truths).map50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_box_of_the_wrong_class_is_no_hit() -> None:
    accuracy = measure([found((BOX, 0.9, 1))], [true((BOX, 0))])
    assert accuracy.map50 == 0
    assert list(accuracy.precision_by_class) == [0], "a class that never occurs is not averaged"


def test_with_nothing_to_find_there_is_no_accuracy() -> None:
    with pytest.raises(BadInput, match="at least one labelled box"):
        measure([found()], [true()])


@pytest.mark.parametrize("seed", range(8))
def test_it_agrees_with_a_plainer_implementation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    detections, truths = [], []
    for _ in range(12):
        corners = rng.uniform(0, 80, (rng.integers(0, 6), 2))
        boxes = np.hstack([corners, corners + rng.uniform(5, 25, corners.shape)])
        classes = rng.integers(0, 3, len(boxes))
        truths.append(TrueBoxes(boxes.astype(np.float32), classes))
        near = np.vstack([boxes + rng.normal(0, 2, boxes.shape), boxes + rng.normal(0, 4, boxes.shape)])
        guessed = np.where(rng.random(len(near)) < 0.8, np.tile(classes, 2), rng.integers(0, 3, len(near)))
        # Few decimals make ties of score, whose order must not depend on the implementation.
        scores = np.sort(np.round(rng.random(len(near)), 3))[::-1]
        detections.append(Detections(near.astype(np.float32), scores.astype(np.float32), guessed))
    accuracy = measure(detections, truths)
    for class_id, precision in accuracy.precision_by_class.items():
        wanted = [plain_average_precision(detections, truths, class_id, t) for t in IOU_THRESHOLDS]
        np.testing.assert_allclose(precision, wanted, atol=1e-12)


def plain_average_precision(
    detections: list[Detections], truths: list[TrueBoxes], class_id: int, threshold: float
) -> float:
    """The definition, word by word and slowly."""
    ranked = [
        (float(d.scores[i]), image, i)
        for image, d in enumerate(detections)
        for i in range(len(d))
        if d.class_ids[i] == class_id
    ]
    ranked.sort(key=lambda entry: -entry[0])
    taken: set[tuple[int, int]] = set()
    hits: list[bool] = []
    for _, image, i in ranked:
        best, best_overlap = None, threshold
        for j, box in enumerate(truths[image].boxes_px):
            overlap = plain_overlap(detections[image].boxes_px[i], box)
            if truths[image].class_ids[j] == class_id and (image, j) not in taken and overlap >= best_overlap:
                best, best_overlap = j, overlap
        hits.append(best is not None)
        if best is not None:
            taken.add((image, best))
    total = sum(int((truth.class_ids == class_id).sum()) for truth in truths)
    points = [(sum(hits[: k + 1]) / total, sum(hits[: k + 1]) / (k + 1)) for k in range(len(hits))]
    return (
        sum(max((p for r, p in points if r >= recall), default=0.0) for recall in np.linspace(0, 1, 101))
        / 101
    )


def plain_overlap(a: np.ndarray, b: np.ndarray) -> float:
    ax1, ay1, ax2, ay2 = (float(v) for v in a)
    bx1, by1, bx2, by2 = (float(v) for v in b)
    shared = max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))
    return shared / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared)


def test_the_confusion_matrix_says_what_was_taken_for_what() -> None:
    third = [30.0, 70.0, 40.0, 80.0]
    detections = [found((BOX, 0.9, 0), (FAR, 0.8, 1), ([0.0, 0.0, 5.0, 5.0], 0.7, 1)), found((BOX, 0.3, 0))]
    truths = [true((BOX, 0), (FAR, 0), (third, 1)), true((BOX, 1))]
    # Rows: true 0, true 1, nothing there. Columns: predicted 0, predicted 1, missed.
    assert confusion(detections, truths, 2, 0.5).tolist() == [[1, 1, 0], [0, 0, 2], [0, 1, 0]]


def test_the_record_of_a_proof_has_labels_and_figures() -> None:
    record = evaluate([found((BOX, 0.9, 0))], [true((BOX, 0), (FAR, 1))], ("gear", "bolt", "nut"), 0.5)
    assert record.images == 1
    assert record.map50_by_class == {"gear": pytest.approx(1), "bolt": 0}
    assert record.map50 == pytest.approx(0.5)
    assert record.confusion == ((1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 0), (0, 0, 0, 0))
