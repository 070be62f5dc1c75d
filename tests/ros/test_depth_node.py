"""The depth node, as a process: detections and depth images in, boxes in space out."""

from __future__ import annotations

import array
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, Detection3DArray

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import NodeEntry
from trunnion_edge.decode import Detections
from trunnion_inference.detections import detections_message

DEPTH = NodeEntry(
    name="depth",
    package="trunnion_inference",
    executable="depth_node",
    parameters={"autostart": True, "depth_wait_ms": 60.0},
    lifecycle=True,
)
WIDTH, HEIGHT, FOCAL_PX = 160, 120, 100.0
# A thing of 20 x 10 cm, 1 m away and 25 cm to the right, before a wall; and one of which the camera measures nothing.
THING_PX, UNMEASURED_PX = (95, 55, 115, 65), (20, 20, 40, 40)
OBJECT_M, WALL_M = 1.0, 3.0
FRAME = "camera_optical"


def header(number: int, frame: str = FRAME) -> Header:
    made = Header(frame_id=frame)
    made.stamp.sec, made.stamp.nanosec = 10 + number // 10, number % 10 * 100_000_000
    return made


def depth_image(number: int, encoding: str, frame: str = FRAME, *, bigendian: bool = False) -> Image:
    metres = np.full((HEIGHT, WIDTH), WALL_M)
    for (left, top, right, bottom), depth_m in ((THING_PX, OBJECT_M), (UNMEASURED_PX, 0.0)):
        metres[top:bottom, left:right] = depth_m
    kind, scale = {"16UC1": ("u2", 1000), "32FC1": ("f4", 1)}[encoding]
    numbers = (metres * scale).astype((">" if bigendian else "<") + kind)
    return Image(
        header=header(number, frame),
        height=HEIGHT,
        width=WIDTH,
        encoding=encoding,
        is_bigendian=int(bigendian),
        step=WIDTH * numbers.itemsize,
        data=array.array("B", numbers.tobytes()),
    )


def detections(number: int, *boxes_px: tuple[int, ...]) -> Detection2DArray:
    boxes = np.array(boxes_px, np.float32).reshape(-1, 4)
    seen = Detections(boxes, np.full(len(boxes), 0.9, np.float32), np.arange(len(boxes)))
    message = detections_message(seen, header(number))
    for row, item in enumerate(message.detections):
        item.id = f"track {row}"
    return message


def calibration(focal_px: float = FOCAL_PX) -> CameraInfo:
    k = [focal_px, 0.0, WIDTH / 2 - 0.5, 0.0, focal_px, HEIGHT / 2 - 0.5, 0.0, 0.0, 1.0]
    return CameraInfo(header=header(0), width=WIDTH, height=HEIGHT, distortion_model="plumb_bob", k=k)


class DepthCamera:
    """Plays the camera and its detector, and keeps what the node answers."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.answers: list[Detection3DArray] = graph.hear(Detection3DArray, "detections_3d")
        self._health: list[DiagnosticArray] = graph.hear(DiagnosticArray, "/diagnostics")
        self.calibrate = graph.say(CameraInfo, "camera_info", qos_profile_sensor_data)
        self.show = graph.say(Image, "depth/image", qos_profile_sensor_data)
        self.detect = graph.say(Detection2DArray, "detections")
        self._number = 0

    def next(self) -> int:
        self._number += 1
        return self._number

    def answer(self, number: int) -> Detection3DArray:
        def found() -> list[Detection3DArray]:
            return [answer for answer in list(self.answers) if answer.header == header(number)]

        self.graph.until(found, f"answer to {number}")
        return found()[0]

    def see(self, *boxes_px: tuple[int, ...], encoding: str = "16UC1", **image: Any) -> Detection3DArray:
        """The answer to a frame of its own."""
        number = self.next()
        self.show(depth_image(number, encoding, **image))
        self.detect(detections(number, *boxes_px))
        return self.answer(number)

    def says(self, word: str, level: bytes) -> None:
        """Wait for a heartbeat that says so."""
        del self._health[:]

        def said() -> bool:
            heard = [status for message in list(self._health) for status in message.status]
            return any(s.name == "depth" and s.level == level and word in s.message for s in heard)

        self.graph.until(said, f"heartbeat with '{word}'")

    def value(self, key: str) -> str:
        del self._health[:]
        self.graph.until(lambda: self._health, "heartbeat")
        return {value.key: value.value for value in self._health[-1].status[0].values}[key]

    def goes_unanswered(self, number: int) -> None:
        """Nobody answers that frame, although the next one that can be used is answered."""
        time.sleep(0.2)
        self.see(THING_PX)
        assert header(number) not in [answer.header for answer in self.answers]


@pytest.fixture(scope="module")
def node(start_cell: Callable[..., Cell]) -> Cell:
    return start_cell(DEPTH)


@pytest.fixture(scope="module")
def camera(graph: Any, node: Cell) -> DepthCamera:
    camera = DepthCamera(graph)
    graph.until(lambda: graph.node.count_publishers("detections_3d"), "depth node")
    for _ in range(20):
        # Best effort: what is said while both sides meet may be lost.
        camera.calibrate(calibration())
        number = camera.next()
        camera.show(depth_image(number, "16UC1"))
        camera.detect(detections(number, THING_PX))
        time.sleep(0.1)
        if camera.answers:
            return camera
    raise AssertionError("the depth node answers nothing")


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


def test_nothing_seen_is_an_empty_array_and_needs_no_depth(camera: DepthCamera) -> None:
    number = camera.next()
    camera.detect(detections(number))
    assert list(camera.answer(number).detections) == []


def test_detections_that_come_before_their_depth_image_wait_for_it(camera: DepthCamera) -> None:
    number = camera.next()
    camera.detect(detections(number, THING_PX))
    time.sleep(0.02)
    camera.show(depth_image(number, "16UC1"))
    assert len(camera.answer(number).detections) == 1


def test_detections_without_a_depth_image_near_them_are_not_answered_and_the_heartbeat_says_so(
    camera: DepthCamera,
) -> None:
    number = camera.next()
    camera.detect(detections(number, THING_PX))
    camera.says("got the nearest one -100 ms away, wanted one within 50 ms", DiagnosticStatus.ERROR)
    assert int(camera.value("arrays_unanswered")) > 0
    camera.goes_unanswered(number)


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
    camera.show(image)
    camera.detect(detections(number, THING_PX))
    camera.says(said, DiagnosticStatus.ERROR)
    camera.goes_unanswered(number)
    assert node.poll() == []


def test_without_a_calibration_nothing_is_answered(camera: DepthCamera) -> None:
    camera.calibrate(calibration(focal_px=0.0))
    camera.says("calibrate the camera", DiagnosticStatus.ERROR)
    number = camera.next()
    camera.show(depth_image(number, "16UC1"))
    camera.detect(detections(number, THING_PX))
    camera.says("wanted the calibration of the detections' camera", DiagnosticStatus.ERROR)
    camera.calibrate(calibration())
    camera.goes_unanswered(number)


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
    camera.goes_unanswered(number)
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert change(Transition.TRANSITION_CLEANUP)
    assert change(Transition.TRANSITION_CONFIGURE)
