"""What was seen in an image keeps its name, its sureness and its id in space."""

from __future__ import annotations

import math

import numpy as np
import pytest
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, ObjectHypothesis, ObjectHypothesisWithPose

from trunnion_edge.decode import Detections
from trunnion_edge.depth import Boxes3D
from trunnion_inference.detections import detections_message
from trunnion_inference.detections_3d import boxes_of, detections_3d_message

HEADER = Header(frame_id="camera_optical")
HEADER.stamp.sec = 42
BOXES = np.array([[10, 20, 50, 40], [0, 0, 4, 8]], np.float32)


def gear_and_bolt() -> Detection2DArray:
    message = detections_message(
        Detections(BOXES, np.array([0.9, 0.5], np.float32), np.array([0, 1])), HEADER
    )
    for identity, item in enumerate(message.detections):
        item.id = str(identity + 7)
    return message


def test_boxes_are_their_corners_in_pixels() -> None:
    np.testing.assert_allclose(boxes_of(gear_and_bolt()), BOXES)
    assert boxes_of(Detection2DArray()).shape == (0, 4)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["x", "y", "size_x", "size_y", "theta"])
def test_a_box_with_a_number_that_is_none_has_no_corners_and_the_others_stay(
    field: str, value: float
) -> None:
    message = gear_and_bolt()
    box = message.detections[0].bbox
    owner = {"x": box.center.position, "y": box.center.position, "theta": box.center}.get(field, box)
    setattr(owner, field, value)
    boxes = boxes_of(message)
    assert np.isnan(boxes[0]).all()
    np.testing.assert_allclose(boxes[1], BOXES[1])


@pytest.mark.parametrize(("field", "value"), [("size_x", -1.0), ("size_y", -1.0)])
def test_a_box_of_negative_size_has_no_corners(field: str, value: float) -> None:
    message = gear_and_bolt()
    setattr(message.detections[0].bbox, field, value)
    assert np.isnan(boxes_of(message)[0]).all()


def test_a_turned_box_has_no_upright_corners() -> None:
    message = gear_and_bolt()
    message.detections[0].bbox.center.theta = 0.1
    assert np.isnan(boxes_of(message)[0]).all()


def test_only_what_has_a_box_in_space_is_there_with_id_classes_and_pose() -> None:
    message = gear_and_bolt()
    second = ObjectHypothesisWithPose(hypothesis=ObjectHypothesis(class_id="2", score=0.2))
    message.detections[1].results.append(second)
    boxes = Boxes3D(np.array([1]), np.array([[0.1, -0.2, 0.9]]), np.array([[0.04, 0.03, 0.01]]))
    answer = detections_3d_message(message, boxes)
    (found,) = answer.detections
    assert answer.header == found.header == HEADER
    assert found.id == "8"
    assert [(r.hypothesis.class_id, round(r.hypothesis.score, 3)) for r in found.results] == [
        ("1", 0.5),
        ("2", 0.2),
    ]
    centre, size = found.bbox.center.position, found.bbox.size
    assert (centre.x, centre.y, centre.z) == (0.1, -0.2, 0.9)
    assert (size.x, size.y, size.z) == (0.04, 0.03, 0.01)
    assert found.bbox.center.orientation.w == 1.0
    assert [result.pose.pose for result in found.results] == [found.bbox.center] * 2


def test_nothing_in_space_is_an_empty_array_with_the_header() -> None:
    nothing = Boxes3D(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)))
    answer = detections_3d_message(gear_and_bolt(), nothing)
    assert (answer.header, list(answer.detections)) == (HEADER, [])
