"""No class id is ever read with the labels of another model, however messages overtake each other or are lost."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_cell.model_labels import Labelled, ModelLabels, Stamp

LABELS = {"a" * 64: ("gear", "bolt"), "b" * 64: ("bolt", "gear"), "c" * 64: ("cog",)}
A, B, C = LABELS
TOPICS = ("detections", "detection_source", "label_info", "vision_info")


def stamp(number: int) -> Stamp:
    return (number, 0, "camera")


def test_the_bundles_own_model_needs_no_word_of_the_detector() -> None:
    labels = ModelLabels[str]({A: LABELS[A]})
    assert labels.add_detections(stamp(1), "frame") is None
    assert labels.add_source(stamp(1), A) == Labelled("frame", LABELS[A])
    assert labels.wanting == ""


def test_detections_of_another_model_are_not_used_until_its_labels_have_come() -> None:
    labels = ModelLabels[str]({A: LABELS[A]})
    labels.add_detections(stamp(1), "frame 1")
    assert labels.add_source(stamp(1), B) is None
    assert labels.wanting == f"no label_info and vision_info of one header have come from model {B[:12]}"
    labels.add_labels(stamp(100), LABELS[B])
    assert labels.wanting
    labels.add_model(stamp(100), B)
    assert labels.wanting == ""
    labels.add_source(stamp(2), B)
    assert labels.add_detections(stamp(2), "frame 2") == Labelled("frame 2", LABELS[B])


def test_labels_are_not_those_of_a_model_that_was_told_at_another_time() -> None:
    labels = ModelLabels[str]({})
    labels.add_labels(stamp(1), LABELS[A])
    labels.add_model(stamp(2), B)
    labels.add_detections(stamp(3), "frame")
    assert labels.add_source(stamp(3), B) is None


def test_a_detector_that_names_no_model_is_not_believed_and_why_is_said() -> None:
    labels = ModelLabels[str]({A: LABELS[A]})
    assert labels.add_detections(stamp(1), "frame") is None
    assert labels.wanting == "no detection_source has come: nobody says which model detects"


@pytest.mark.parametrize("later", [1, 2])
def test_two_models_under_one_header_of_a_clock_that_stands_still_are_not_told_apart_and_neither_is_used(
    later: int,
) -> None:
    labels = ModelLabels[str]({})
    labels.add_labels(stamp(1), LABELS[A])
    labels.add_model(stamp(1), A)
    labels.add_labels(stamp(later), LABELS[B])
    labels.add_model(stamp(later), B)
    labels.add_detections(stamp(5), "frame")
    assert (labels.add_source(stamp(5), B) is None) is (later == 1)


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[str, int, str]]:
    """Topic, stamp and model of what arrives: each topic in its order, the topics in any, and not all of it."""
    queues: dict[str, deque[tuple[int, str]]] = {topic: deque() for topic in TOPICS}
    models = draw(st.lists(st.sampled_from(sorted(LABELS)), min_size=1, max_size=5))
    instant = 0
    for digest in models:
        instant += 1
        queues["label_info"].append((instant, digest))
        queues["vision_info"].append((instant, digest))
        for _ in range(draw(st.integers(0, 3))):
            instant += 1
            queues["detections"].append((instant, digest))
            queues["detection_source"].append((instant, digest))
    arrived = []
    while waiting := [topic for topic in TOPICS if queues[topic]]:
        topic = draw(st.sampled_from(waiting))
        said = (topic, *queues[topic].popleft())
        if draw(st.integers(0, 9)):
            arrived.append(said)
    return arrived


def arrive(labels: ModelLabels[str], topic: str, instant: int, digest: str) -> Labelled[str] | None:
    if topic == "label_info":
        labels.add_labels(stamp(instant), LABELS[digest])
    elif topic == "vision_info":
        labels.add_model(stamp(instant), digest)
    elif topic == "detections":
        # What the frame is made of here is which model detected in it.
        return labels.add_detections(stamp(instant), digest)
    else:
        return labels.add_source(stamp(instant), digest)
    return None


@given(deliveries())
def test_whatever_overtakes_what_a_frame_is_read_with_the_labels_of_its_own_model(
    arrived: list[tuple[str, int, str]],
) -> None:
    labels = ModelLabels[str]({A: LABELS[A]})
    used = [seen for said in arrived if (seen := arrive(labels, *said)) is not None]
    assert [seen.labels for seen in used] == [LABELS[seen.detections] for seen in used]


def test_many_changes_and_frames_are_not_remembered_for_ever() -> None:
    labels = ModelLabels[str]({})
    for number in range(0, 1000, 2):
        digest = sorted(LABELS)[number % 3]
        labels.add_labels(stamp(number), LABELS[digest])
        labels.add_model(stamp(number), digest)
        labels.add_detections(stamp(number + 1), "frame")
        assert labels.add_source(stamp(number + 1), digest) == Labelled("frame", LABELS[digest])
    assert labels.add_source(stamp(1), A) is None
