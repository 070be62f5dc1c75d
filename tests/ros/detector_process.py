"""The detector as a process: how the tests start it, show it frames and set its parameters."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue, SetParametersResult
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from trunnion_interfaces.msg import DetectionSource
from vision_msgs.msg import Detection2DArray

from trunnion_bringup.table import CellSettings, NodeEntry, cell_nodes
from trunnion_inference.images import image_message


def detector_entry(bundle: Path, **parameters: Any) -> NodeEntry:
    entries = {entry.name: entry for entry in cell_nodes(CellSettings(bundle=str(bundle), data_dir="/none"))}
    entry = entries["detector"]
    return dataclasses.replace(entry, parameters={**entry.parameters, **parameters})


class Camera:
    """Publishes frames of one brightness and waits for what is seen in each."""

    def __init__(self, graph: Any, images: str = "camera/image_raw", detections: str = "detections") -> None:
        self.detections = graph.hear(Detection2DArray, detections)
        self._publish = graph.say(Image, images, qos_profile_sensor_data)
        self._number = 0

    def show(self, brightness: int) -> int:
        """Publish one frame; its number is in its stamp."""
        self._number += 1
        self._show(brightness)
        return self._number

    def look(self, brightness: int) -> Detection2DArray:
        """The answer to a frame of its own, which is shown again when it is lost: images are best effort."""
        number = self.show(brightness)
        for _ in range(20):
            deadline_s = time.monotonic() + 0.5
            while time.monotonic() < deadline_s:
                for message in list(self.detections):
                    if message.header.stamp.nanosec == number:
                        return message
                time.sleep(0.01)
            self._show(brightness)
        raise AssertionError("no detections for a frame within 10 s")

    def _show(self, brightness: int) -> None:
        header = Header(frame_id="camera_optical")
        header.stamp.sec, header.stamp.nanosec = 1_700_000_000, self._number
        self._publish(image_message(np.full((240, 320, 3), brightness, np.uint8), header))


class Stream:
    """A camera that shows frames at an even rate on a thread of its own, and what was answered to each of them.

    Attributes:
        brightness: of the frames from now on.
    """

    def __init__(self, graph: Any, rate_hz: float, brightness: int) -> None:
        self.brightness = brightness
        self.shown: list[int] = []
        self._period_s = 1 / rate_hz
        self._detections = graph.hear(Detection2DArray, "detections", 100)
        self._sources = graph.hear(DetectionSource, "detection_source", 100)
        self._publish = graph.say(Image, "camera/image_raw", qos_profile_sensor_data)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Show no more frames."""
        self._is_over.set()
        self._thread.join()

    def boxes(self) -> dict[int, list[float]]:
        """The left edges of what was seen in each frame that was answered."""
        return {
            message.header.stamp.nanosec: [
                found.bbox.center.position.x - found.bbox.size_x / 2 for found in message.detections
            ]
            for message in list(self._detections)
        }

    def digests(self) -> dict[int, str]:
        """Which model answered each frame."""
        return {message.header.stamp.nanosec: message.digest for message in list(self._sources)}

    def _show(self) -> None:
        next_s = time.monotonic()
        while not self._is_over.is_set():
            number = len(self.shown) + 1
            header = Header(frame_id="camera_optical")
            header.stamp.sec, header.stamp.nanosec = 1_700_000_000, number
            self._publish(image_message(np.full((240, 320, 3), self.brightness, np.uint8), header))
            self.shown.append(number)
            next_s = max(next_s + self._period_s, time.monotonic())
            self._is_over.wait(next_s - time.monotonic())


def change(graph: Any, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return graph.call(ChangeState, "detector/change_state", request).success


def state(graph: Any) -> str:
    return graph.call(GetState, "detector/get_state", GetState.Request()).current_state.label


def parameter(name: str, value: Any) -> Parameter:
    kinds = {
        float: (ParameterType.PARAMETER_DOUBLE, "double_value"),
        int: (ParameterType.PARAMETER_INTEGER, "integer_value"),
        str: (ParameterType.PARAMETER_STRING, "string_value"),
        list: (ParameterType.PARAMETER_STRING_ARRAY, "string_array_value"),
    }
    kind, field = kinds[type(value)]
    return Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))


def set_parameters(graph: Any, **values: Any) -> SetParametersResult:
    """Set them together; all or none."""
    request = SetParametersAtomically.Request(parameters=[parameter(*item) for item in values.items()])
    return graph.call(SetParametersAtomically, "detector/set_parameters_atomically", request).result
