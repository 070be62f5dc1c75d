"""The depth node as a process: what its camera and its detector say to it, and what it answers."""

from __future__ import annotations

import array
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, Detection3DArray

from trunnion_bringup.table import NodeEntry
from trunnion_edge.decode import Detections
from trunnion_inference.detections import detections_message

AGAIN_S, PATIENCE_S = 0.5, 20.0
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


def depth_entry(name: str, wait_ms: float, *remappings: tuple[str, str]) -> NodeEntry:
    return NodeEntry(
        name=name,
        package="trunnion_inference",
        executable="depth_node",
        parameters={"autostart": True, "depth_wait_ms": wait_ms},
        remappings=remappings,
        lifecycle=True,
    )


class DepthCamera:
    """Plays the camera and its detector, and keeps what the node answers.

    What is best effort (images, calibrations) is said again until it has had its effect.
    """

    def __init__(self, graph: Any, node: str = "depth", prefix: str = "") -> None:
        self.graph = graph
        self._node = node
        self.answers: list[Detection3DArray] = graph.hear(Detection3DArray, f"{prefix}detections_3d")
        self._health: list[DiagnosticArray] = graph.hear(DiagnosticArray, "/diagnostics")
        self.calibrate = graph.say(CameraInfo, f"{prefix}camera_info", qos_profile_sensor_data)
        self.show = graph.say(Image, f"{prefix}depth/image", qos_profile_sensor_data)
        self.detect = graph.say(Detection2DArray, f"{prefix}detections")
        self._number = 0

    def next(self) -> int:
        self._number += 1
        return self._number

    def until_answered(self, number: int, again: Callable[[], Any]) -> Detection3DArray:
        """The answer to that frame."""

        def found() -> list[Detection3DArray]:
            return [answer for answer in list(self.answers) if answer.header == header(number)]

        self._until(found, f"answer to {number}", again)
        return found()[0]

    def see(self, *boxes_px: tuple[int, ...], encoding: str = "16UC1", **image: Any) -> Detection3DArray:
        """The answer to a frame of its own."""
        number = self.next()
        self.detect(detections(number, *boxes_px))
        return self.until_answered(number, lambda: self.show(depth_image(number, encoding, **image)))

    def meet(self, *, calibrate: bool = True) -> Detection3DArray:
        """The first answer of a node that may not hear everything yet, or does not wait for a lost depth image."""
        number = self.next()

        def say_all() -> None:
            if calibrate:
                self.calibrate(calibration())
            self.show(depth_image(number, "16UC1"))
            self.detect(detections(number, THING_PX))

        return self.until_answered(number, say_all)

    def says(self, word: str, level: bytes, again: Callable[[], Any] = lambda: None) -> str:
        """Wait for a heartbeat that says so; its whole message."""
        del self._health[:]

        def said() -> list[str]:
            heard = [status for status in self._statuses() if status.level == level]
            return [status.message for status in heard if word in status.message]

        self._until(said, f"heartbeat with '{word}'", again)
        return said()[0]

    def value(self, key: str) -> str:
        del self._health[:]
        self.graph.until(self._statuses, "heartbeat", PATIENCE_S)
        return {value.key: value.value for value in self._statuses()[-1].values}[key]

    def went_unanswered(self, number: int) -> None:
        """Nobody has answered that frame, although a later one is answered: answers come in order."""
        self.see(THING_PX)
        assert header(number) not in [answer.header for answer in self.answers]

    def recovers(self) -> None:
        """With good calibrations and an empty tray."""

        def go_on() -> None:
            self.calibrate(calibration())
            self.see()

        self.says("works", DiagnosticStatus.OK, go_on)

    def _statuses(self) -> list[DiagnosticStatus]:
        heard = [status for message in list(self._health) for status in message.status]
        return [status for status in heard if status.name == self._node]

    def _until(self, condition: Callable[[], Any], what: str, again: Callable[[], Any]) -> None:
        said_s = float("-inf")

        def is_so() -> bool:
            nonlocal said_s
            if condition():
                return True
            if time.monotonic() - said_s > AGAIN_S:
                again()
                said_s = time.monotonic()
            return False

        self.graph.until(is_so, what, PATIENCE_S)
