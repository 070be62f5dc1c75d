"""Images, detections and robot states as messages, and back."""

from __future__ import annotations

import array
import math

import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesis, ObjectHypothesisWithPose

from trunnion_cell.robot_messages import camera_info_message, joint_message, pose_message
from trunnion_contract.errors import BadInput
from trunnion_edge.camera import PinholeCamera
from trunnion_edge.decode import Detections
from trunnion_edge.image_encodings import bgr_image
from trunnion_inference.detections import (
    detections_from,
    detections_message,
    label_info_message,
    labels_from,
)
from trunnion_inference.images import image_message

HEADER = Header(frame_id="camera_optical")
HEADER.stamp.sec = 42


def gear_and_bolt() -> Detection2DArray:
    boxes = np.array([[10, 20, 50, 40], [0, 0, 4, 8]], np.float32)
    return detections_message(Detections(boxes, np.array([0.9, 0.5], np.float32), np.array([0, 1])), HEADER)


def image(encoding: str, pixels: np.ndarray, padding: int = 0) -> Image:
    height, row = pixels.shape[0], pixels.reshape(pixels.shape[0], -1)
    data = np.pad(row, ((0, 0), (0, padding)), constant_values=255).astype(np.uint8)
    return Image(
        height=height,
        width=pixels.shape[1],
        encoding=encoding,
        step=data.shape[1],
        data=array.array("B", data.tobytes()),
    )


def test_an_image_comes_back_as_it_went() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    message = image_message(pixels, HEADER)
    assert (message.header, message.encoding, message.step) == (HEADER, "bgr8", 21)
    np.testing.assert_array_equal(bgr_image(message), pixels)


def test_rgb_and_grey_become_bgr() -> None:
    rgb = np.zeros((2, 2, 3), np.uint8)
    rgb[..., 0] = 200
    assert bgr_image(image("rgb8", rgb))[0, 0].tolist() == [0, 0, 200]
    assert bgr_image(image("mono8", np.full((2, 2), 9, np.uint8)))[1, 1].tolist() == [9, 9, 9]


def test_padding_at_the_end_of_rows_is_no_picture() -> None:
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    np.testing.assert_array_equal(bgr_image(image("bgr8", pixels, padding=3)), pixels)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"encoding": "nv21"}, "bgr8, rgb8, .*mono8"),
        ({"height": 3}, "3 rows"),
        ({"step": 4}, "at least 9"),
    ],
)
def test_an_image_that_is_not_what_it_says_is_refused(change: dict[str, object], wanted: str) -> None:
    message = image("bgr8", np.zeros((2, 3, 3), np.uint8))
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(BadInput, match=wanted):
        bgr_image(message)


def test_detections_carry_the_header_of_their_image_and_come_back() -> None:
    boxes = np.array([[10, 20, 50, 40], [0, 0, 4, 8]], np.float32)
    there = Detections(boxes, np.array([0.9, 0.5], np.float32), np.array([2, 0]))
    message = detections_message(there, HEADER)
    assert [message.header, *(item.header for item in message.detections)] == [HEADER] * 3
    first = message.detections[0]
    assert (first.bbox.center.position.x, first.bbox.center.position.y) == (30, 30)
    assert (first.bbox.size_x, first.bbox.size_y, first.results[0].hypothesis.class_id) == (40, 20, "2")
    back = detections_from(message)
    np.testing.assert_allclose(back.boxes_px, boxes)
    np.testing.assert_allclose(back.scores, there.scores)
    assert back.class_ids.tolist() == [2, 0]


def test_nothing_found_is_an_empty_array_with_a_header() -> None:
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    message = detections_message(nothing, HEADER)
    assert (message.header, list(message.detections)) == (HEADER, [])
    assert len(detections_from(message)) == 0


@pytest.mark.parametrize(
    "class_id", ["gear", "", "-1", "1.0", "1_0", " 1", "1\n", "\u0663", "\u00b2", "9" * 30]
)
def test_a_class_that_is_no_position_is_left_out_and_the_others_stay(class_id: str) -> None:
    message = gear_and_bolt()
    message.detections[0].results[0].hypothesis.class_id = class_id
    assert detections_from(message).class_ids.tolist() == [1]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e300])
@pytest.mark.parametrize("field", ["x", "y", "size_x", "size_y", "score"])
def test_a_detection_with_a_number_that_is_none_is_left_out(field: str, value: float) -> None:
    message = gear_and_bolt()
    spoilt = message.detections[0]
    owners = {"x": spoilt.bbox.center.position, "y": spoilt.bbox.center.position}
    owners["score"] = spoilt.results[0].hypothesis
    setattr(owners.get(field, spoilt.bbox), field, value)
    assert detections_from(message).class_ids.tolist() == [1]


def test_a_detection_that_supposes_nothing_is_left_out() -> None:
    message = gear_and_bolt()
    message.detections[0].results = []
    assert detections_from(message).class_ids.tolist() == [1]


def test_whatever_anybody_publishes_only_sound_detections_come_through() -> None:
    rng = np.random.default_rng(0)
    texts = ("0", "2", "70000", "-1", "bolt", "", "1e3", "\u0663")
    numbers = (0.0, 12.5, -3.0, 1e300, math.nan, math.inf, -math.inf)
    for _ in range(300):
        message = Detection2DArray(header=HEADER)
        for _ in range(rng.integers(4)):
            item = Detection2D()
            item.bbox.size_x, item.bbox.size_y, item.bbox.center.position.x = rng.choice(numbers, 3).tolist()
            for _ in range(rng.integers(3)):
                supposed = ObjectHypothesis(class_id=str(rng.choice(texts)), score=float(rng.choice(numbers)))
                item.results.append(ObjectHypothesisWithPose(hypothesis=supposed))
            message.detections.append(item)
        found = detections_from(message)
        assert len(found) == len(found.boxes_px) == len(found.class_ids) <= len(message.detections)
        assert np.isfinite(found.boxes_px).all()
        assert np.isfinite(found.scores).all()
        assert (found.class_ids >= 0).all()
        assert (found.boxes_px[:, 2:] >= found.boxes_px[:, :2]).all()


def test_labels_come_back_as_they_went() -> None:
    assert labels_from(label_info_message(("gear", "bolt"), 0.4, HEADER)) == {0: "gear", 1: "bolt"}


def test_a_camera_comes_back_from_its_camera_info(cell_layout) -> None:
    camera = PinholeCamera.from_layout(cell_layout.camera)
    info = camera_info_message(camera, HEADER)
    back = camera.with_matrix(info.k, info.width, info.height)
    point = [[0.5, 0.1, 0.01]]
    np.testing.assert_allclose(back.project(point), camera.project(point))


def test_a_robot_state_keeps_its_numbers() -> None:
    pose = pose_message(np.array([0.1, 0.2, 0.3]), np.array([1.0, 0, 0, 0]), HEADER).pose
    assert (pose.position.z, pose.orientation.x, pose.orientation.w) == (0.3, 1.0, 0.0)
    joints = joint_message(["a", "b"], np.array([1.0, 2]), np.array([3.0, 4]), np.array([5.0, 6]), HEADER)
    assert (joints.name, list(joints.position), list(joints.effort)) == (["a", "b"], [1, 2], [5, 6])
