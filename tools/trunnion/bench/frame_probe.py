"""A process that shows frames to a running detector node and times what comes back; one line of JSON at its end.

Started by `trunnion.bench.node` in the environment of the cell, with the bundle and the number of frames.
"""

from __future__ import annotations

import array
import json
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from trunnion.bench.reference import noise_image
from trunnion_contract.bundle import open_bundle
from trunnion_edge.backends.onnxruntime import open_session
from trunnion_edge.preprocess import letterbox
from trunnion_inference.scheduling import stay_off_pinned_cores

T = TypeVar("T")
_MATCHED_WITHIN_S = 20.0
_LOST_AFTER_S = 1.0
# Frames at this rate, or at the network's own where that is slower, with room for what surrounds it.
RATE_HZ, _BUSY = 30.0, 0.7
_BLOCK = 25
_OWN_RATE_RUNS = 40
_FLOOD = 600


class Probe(Node):  # type: ignore[misc]
    """Publishes one frame at a time and notes when its detections come."""

    def __init__(self) -> None:
        super().__init__("frame_probe", namespace="/cell")
        self._frames = self.create_publisher(Image, "camera/image_raw", qos_profile_sensor_data)
        self.create_subscription(Detection2DArray, "detections", self._on_detections, 5)
        self.pixels = noise_image()
        height_px, width_px, _ = self.pixels.shape
        data = array.array("B", self.pixels.tobytes())
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


def paced(count: int, rate_hz: float, function: Callable[[int], T]) -> list[T]:
    """What `function` gave for each number below `count`, called that often in a second."""
    answers, next_s = [], time.monotonic()
    for number in range(count):
        answers.append(function(number))
        next_s += 1 / rate_hz
        time.sleep(max(0.0, next_s - time.monotonic()))
    return answers


def main(bundle_file: str, frames: int) -> None:
    """Frames and bare runs of the same network on the same image, at the same rate, in blocks that take turns.

    The same rate, because a processor that rested between two frames takes a third longer for the next, whoever asks.
    """
    rclpy.init()
    probe = Probe()
    probe.wait_until_matched()
    bare_run = _bare_run(Path(bundle_file), probe.pixels)
    own_s = [bare_run(0) for _ in range(_OWN_RATE_RUNS)]
    rate_hz = min(RATE_HZ, _BUSY / statistics.median(own_s))
    paced(_BLOCK, rate_hz, probe.show)
    through_node_s, bare_s = [], []
    for first in range(_BLOCK, _BLOCK + frames, _BLOCK):
        through_node_s += paced(_BLOCK, rate_hz, lambda number, first=first: probe.show(first + number))
        bare_s += paced(_BLOCK, rate_hz, bare_run)
    said = dict(probe.said)
    # Twice as many frames as the network alone could take.
    flooded = probe.flood(_BLOCK + frames, _FLOOD, statistics.median(bare_s) / 2)
    probe.destroy_node()
    rclpy.shutdown()
    seen = {"through_node_s": through_node_s, "bare_s": bare_s, "rate_hz": rate_hz, "said": said}
    print(json.dumps(seen | {"flood_s": list(flooded.values()), "flood": _FLOOD}))


def _bare_run(bundle_file: Path, image_bgr: np.ndarray) -> Callable[[int], float]:
    """A function that runs the network alone on that image, in a thread scheduled as the node's; seconds it took."""
    bundle = open_bundle(bundle_file)
    detector = bundle.model.detector
    assert detector is not None
    session = open_session(bundle.read(detector.file))
    tensor, _ = letterbox(image_bgr, detector.spec.image_size_px, detector.spec.pad_value)
    feed = {detector.spec.input.name: tensor}

    thread = ThreadPoolExecutor(1, initializer=stay_off_pinned_cores)

    def run() -> float:
        began_s = time.perf_counter()
        session.run(None, feed)
        return time.perf_counter() - began_s

    return lambda _: thread.submit(run).result()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
