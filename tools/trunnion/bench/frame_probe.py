"""A process that shows frames to a running detector node and times what comes back; one line of JSON at its end.

Started by `trunnion.bench.node` in the environment of the cell, with the bundle, the number of frames and their rate.
"""

from __future__ import annotations

import array
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from trunnion_contract.bundle import open_bundle
from trunnion_edge.backends.onnxruntime import open_session

WIDTH_PX, HEIGHT_PX = 640, 480
_MATCHED_WITHIN_S = 20.0
_LOST_AFTER_S = 1.0
_WARM_UP = 10
_FLOOD = 600


class Probe(Node):  # type: ignore[misc]
    """Publishes one frame at a time and notes when its detections come."""

    def __init__(self, width_px: int, height_px: int) -> None:
        super().__init__("frame_probe", namespace="/cell")
        self._frames = self.create_publisher(Image, "camera/image_raw", qos_profile_sensor_data)
        self.create_subscription(Detection2DArray, "detections", self._on_detections, 5)
        data = array.array("B", np.random.default_rng(0).bytes(width_px * height_px * 3))
        self._image = Image(width=width_px, height=height_px, step=width_px * 3, encoding="bgr8", data=data)
        self._received_s: dict[int, float] = {}
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self.said: dict[str, str] = {}

    def wait_until_matched(self) -> None:
        """Wait until the detector listens."""
        deadline_s = time.monotonic() + _MATCHED_WITHIN_S
        while not self._frames.get_subscription_count() and time.monotonic() < deadline_s:
            rclpy.spin_once(self, timeout_sec=0.05)

    def show(self, number: int) -> float | None:
        """Seconds from publishing a frame until its detections are here; None when they did not come."""
        self._image.header.stamp.sec, self._image.header.stamp.nanosec = 1 + number, 0
        began_s = time.perf_counter()
        self._frames.publish(self._image)
        while number not in self._received_s:
            rclpy.spin_once(self, timeout_sec=0.01)
            if time.perf_counter() - began_s > _LOST_AFTER_S:
                return None
        return self._received_s[number] - began_s

    def flood(self, first: int, count: int, period_s: float) -> dict[int, float]:
        """Publish a frame each period, whether the one before is answered or not; seconds to each answer that came."""
        shown_s: dict[int, float] = {}
        for number in range(first, first + count):
            next_s = time.perf_counter() + period_s
            self._image.header.stamp.sec = 1 + number
            shown_s[number] = time.perf_counter()
            self._frames.publish(self._image)
            while (left_s := next_s - time.perf_counter()) > 0:
                rclpy.spin_once(self, timeout_sec=left_s)
        ends_s = time.perf_counter() + _LOST_AFTER_S
        while time.perf_counter() < ends_s:
            rclpy.spin_once(self, timeout_sec=0.01)
        return {
            number: self._received_s[number] - began_s
            for number, began_s in shown_s.items()
            if number in self._received_s
        }

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == "detector":
                self.said = {value.key: value.value for value in status.values}

    def _on_detections(self, message: Detection2DArray) -> None:
        self._received_s[message.header.stamp.sec - 1] = time.perf_counter()


def main(bundle_file: str, frames: int, rate_hz: float) -> None:
    """Frames and bare runs of the same network take turns."""
    bundle = open_bundle(Path(bundle_file))
    detector = bundle.model.detector
    assert detector is not None
    size_px = detector.spec.image_size_px
    session = open_session(bundle.read(detector.file))
    feed = {detector.spec.input.name: np.zeros((1, 3, size_px, size_px), np.float32)}
    rclpy.init()
    probe = Probe(WIDTH_PX, HEIGHT_PX)
    probe.wait_until_matched()
    through_node_s, bare_s = [], []
    for number in range(_WARM_UP + frames):
        next_s = time.monotonic() + 1 / rate_hz
        through_node_s.append(probe.show(number))
        began_s = time.perf_counter()
        session.run(None, feed)
        bare_s.append(time.perf_counter() - began_s)
        time.sleep(max(0.0, next_s - time.monotonic()))
    said = dict(probe.said)
    # Twice as many frames as the network alone could take.
    flooded = probe.flood(_WARM_UP + frames, _FLOOD, statistics.median(bare_s) / 2)
    probe.destroy_node()
    rclpy.shutdown()
    seen = {"through_node_s": through_node_s[_WARM_UP:], "bare_s": bare_s[_WARM_UP:], "said": said}
    print(json.dumps(seen | {"flood_s": list(flooded.values()), "flood": _FLOOD}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
