"""The depth node, as a process: detections and depth images in, boxes in space out."""

from __future__ import annotations

import array
import time
from collections.abc import Callable
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from sensor_msgs.msg import CameraInfo
from tests.ros.depth_process import (
    FRAME,
    HEIGHT,
    OBJECT_M,
    THING_PX,
    UNMEASURED_PX,
    WIDTH,
    DepthCamera,
    calibration,
    depth_entry,
    depth_image,
    detections,
    header,
)

from trunnion_bringup.processes import Cell
from trunnion_inference.depth_node import SILENT_AFTER_S
from trunnion_inference.qos import LATCHED

TOPICS = ("camera_info", "depth/image", "detections", "detections_3d")


@pytest.fixture(scope="module")
def node(start_cell: Callable[..., Cell]) -> Cell:
    return start_cell(depth_entry("depth", 10000.0))


@pytest.fixture(scope="module")
def camera(graph: Any, node: Cell) -> DepthCamera:
    camera = DepthCamera(graph)
    camera.meet()
    return camera


@pytest.fixture(scope="module")
def late(graph: Any, start_cell: Callable[..., Cell]) -> DepthCamera:
    """A node that waits for a depth image only a moment, and whose calibration was said once, before it came."""
    graph.node.create_publisher(CameraInfo, "late/camera_info", LATCHED).publish(calibration())
    start_cell(depth_entry("late_depth", 60.0, *((topic, f"late/{topic}") for topic in TOPICS)))
    return DepthCamera(graph, "late_depth", "late/")


def is_miscalibrated(camera: DepthCamera, *, again: bool = True) -> None:
    def calibrate() -> None:
        if again:
            camera.calibrate(calibration(focal_px=0.0))

    camera.says("calibrate the camera", DiagnosticStatus.ERROR, calibrate)


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
@pytest.mark.parametrize("bigendian", [False, True])
def test_a_thing_is_found_in_the_optical_frame_with_its_class_score_and_id(
    camera: DepthCamera, encoding: str, bigendian: bool
) -> None:
    answer = camera.see(THING_PX, encoding=encoding, bigendian=bigendian)
    (found,) = answer.detections
    assert answer.header.frame_id == found.header.frame_id == FRAME
    centre, size = found.bbox.center.position, found.bbox.size
    assert (centre.x, centre.y, centre.z) == pytest.approx((0.25, 0.0, OBJECT_M), abs=1e-6)
    assert (size.x, size.y, size.z) == pytest.approx((0.2, 0.1, 0.0), abs=1e-6)
    assert found.id == "track 0"
    assert (found.results[0].hypothesis.class_id, found.results[0].pose.pose) == ("0", found.bbox.center)
    assert found.results[0].hypothesis.score == pytest.approx(0.9)


def test_a_detection_without_depth_is_left_out_and_counted(camera: DepthCamera) -> None:
    before = int(camera.value("detections_without_depth"))
    answer = camera.see(UNMEASURED_PX, THING_PX)
    assert [found.id for found in answer.detections] == ["track 1"]
    assert int(camera.value("detections_without_depth")) == before + 1
    assert camera.value("arrays_lost") == "0"


def test_detections_that_come_before_their_depth_image_wait_for_it(camera: DepthCamera) -> None:
    number = camera.next()
    camera.detect(detections(number, THING_PX))
    time.sleep(0.2)
    assert header(number) not in [answer.header for answer in camera.answers]
    answer = camera.until_answered(number, lambda: camera.show(depth_image(number, "16UC1")))
    assert len(answer.detections) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoding": "mono16"}, "one of 16UC1, 32FC1"),
        ({"step": 8}, "rows of at least 320 bytes"),
        ({"data": array.array("B", bytes(100))}, "got 100 bytes of 16UC1"),
        ({"header": "other_optical"}, "registered to the image, in frame 'camera_optical'"),
        ({"height": HEIGHT // 2, "data": array.array("B", bytes(WIDTH * HEIGHT))}, "register the depth"),
    ],
)
def test_a_depth_image_that_cannot_be_used_answers_nothing_and_the_next_one_does(
    camera: DepthCamera, node: Cell, change: dict[str, Any], said: str
) -> None:
    number = camera.next()
    image = depth_image(number, "16UC1")
    for name, value in change.items():
        setattr(image, name, header(number, value) if name == "header" else value)

    def show() -> None:
        camera.show(image)
        camera.detect(detections(number, THING_PX))

    camera.says(said, DiagnosticStatus.ERROR, show)
    camera.went_unanswered(number)
    assert node.poll() == []


def test_without_a_calibration_nothing_is_answered(camera: DepthCamera) -> None:
    is_miscalibrated(camera)
    number = camera.next()

    def show() -> None:
        camera.show(depth_image(number, "16UC1"))
        camera.detect(detections(number, THING_PX))

    camera.says("wanted the calibration of the detections' camera", DiagnosticStatus.ERROR, show)
    camera.recovers()
    camera.went_unanswered(number)


def test_a_bad_calibration_is_an_error_until_a_good_one_comes(camera: DepthCamera) -> None:
    is_miscalibrated(camera)
    time.sleep(SILENT_AFTER_S + 0.5)
    is_miscalibrated(camera, again=False)
    camera.recovers()


def test_a_trouble_with_arrays_is_no_error_any_more_when_the_tray_has_been_empty_for_a_while(
    camera: DepthCamera,
) -> None:
    number = camera.next()

    def show() -> None:
        camera.show(depth_image(number, "16UC1", "other_optical"))
        camera.detect(detections(number, THING_PX))

    camera.says("registered to the image", DiagnosticStatus.ERROR, show)
    camera.recovers()


def test_silence_is_a_warning_that_names_the_topics(camera: DepthCamera) -> None:
    camera.see(THING_PX)
    camera.says("no depth/image for", DiagnosticStatus.WARN)


def test_while_it_is_inactive_nothing_is_answered(camera: DepthCamera) -> None:
    def change(transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(camera.graph.call(ChangeState, "depth/change_state", request).success)

    assert change(Transition.TRANSITION_DEACTIVATE)
    number = camera.next()
    camera.show(depth_image(number, "16UC1"))
    camera.detect(detections(number, THING_PX))
    camera.says("is inactive", DiagnosticStatus.WARN)
    assert change(Transition.TRANSITION_ACTIVATE)
    camera.went_unanswered(number)
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert change(Transition.TRANSITION_CLEANUP)
    assert change(Transition.TRANSITION_CONFIGURE)


def test_a_calibration_that_was_said_once_before_the_node_came_is_heard_and_not_missed(
    late: DepthCamera,
) -> None:
    assert len(late.meet(calibrate=False).detections) == 1
    # The depth image is younger than the calibration.
    assert "camera_info" not in late.says("no depth/image for", DiagnosticStatus.WARN)


def test_nothing_seen_is_an_empty_array_and_needs_no_depth(late: DepthCamera) -> None:
    number = late.next()
    assert list(late.until_answered(number, lambda: late.detect(detections(number))).detections) == []


def test_detections_that_wait_in_vain_for_a_depth_image_are_not_answered_and_the_heartbeat_says_so(
    late: DepthCamera,
) -> None:
    seen, number = late.meet(calibrate=False), late.next()
    said = "got the nearest one -100 ms away, wanted one within 50 ms"
    late.says(said, DiagnosticStatus.ERROR, lambda: late.detect(detections(number, THING_PX)))
    assert int(late.value("arrays_unanswered")) > 0
    assert late.answers[-1].header == seen.header
