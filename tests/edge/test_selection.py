"""What is passed on of what a detector saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_contract.errors import BadInput
from trunnion_edge.decode import Detections
from trunnion_edge.selection import Selection

LABELS = ("gear", "bolt", "nut")


def seen(*class_ids: int) -> Detections:
    """The surest first; the box of each says its place."""
    n = len(class_ids)
    boxes = np.arange(n, dtype=np.float32)[:, None] + np.array([0, 0, 1, 1], np.float32)
    return Detections(boxes, np.linspace(0.9, 0.5, n, dtype=np.float32), np.array(class_ids, np.int64))


def test_only_the_classes_asked_for_are_passed_on_and_stay_in_order() -> None:
    chosen = Selection(classes=frozenset({"gear", "nut"})).of(seen(0, 1, 2, 1, 0), LABELS)
    assert chosen.class_ids.tolist() == [0, 2, 0]
    assert chosen.boxes_px[:, 0].tolist() == [0, 2, 4]


def test_the_surest_of_the_classes_asked_for_are_passed_on() -> None:
    chosen = Selection(max_detections=2, classes=frozenset({"bolt"})).of(seen(0, 1, 0, 1, 1), LABELS)
    assert chosen.boxes_px[:, 0].tolist() == [1, 3]


@given(st.lists(st.integers(0, 2)))
def test_without_a_choice_everything_is_passed_on(class_ids: list[int]) -> None:
    detections = seen(*class_ids)
    np.testing.assert_array_equal(Selection().of(detections, LABELS).boxes_px, detections.boxes_px)


def test_the_threshold_is_the_models_until_one_is_chosen() -> None:
    assert Selection().threshold(0.4) == 0.4
    assert Selection(confidence_threshold=0.0).threshold(0.4) == 0.0


def test_a_class_that_the_model_does_not_know_is_refused_with_those_it_knows() -> None:
    with pytest.raises(BadInput, match="got 'cog', wanted some of gear, bolt, nut"):
        Selection(classes=frozenset({"gear", "cog"})).check(LABELS)
