"""A process that shows frames to a detector node while its bundle is swapped again and again; JSON at its end.

Started by `trunnion.bench.node` in the environment of the cell, with two marked bundles, a trapped one, how many swaps
and rollbacks there shall be, the rate of the frames, and the length of the node's probation in frames.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from trunnion_interfaces.msg import DetectionSource
from trunnion_interfaces.srv import LoadBundle
from vision_msgs.msg import Detection2DArray

from trunnion.bench.copies import MARK_SIDE_PX, MARKS_PX, TRAP_SIDE_PX
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_inference.images import image_message

_BASELINE_FRAMES = 150
_LONG_PROBATION_FRAMES = 1000
_PATIENCE_S = 60.0


class SwapProbe(Node):  # type: ignore[misc]
    """Shows noise at an even rate; a white spot in it springs the trap."""

    def __init__(self, size_px: int, rate_hz: int, probation_frames: int) -> None:
        super().__init__("swap_probe", namespace="/cell")
        self._probation_frames = probation_frames
        self.is_trap = False
        self.shown = 0
        self.marks: dict[int, set[int]] = {}
        self.digests: dict[int, str] = {}
        self.rollbacks = 0
        self._noise = np.random.default_rng(0).integers(0, 200, (size_px * 3 // 4, size_px, 3), np.uint8)
        self._frames = self.create_publisher(Image, "camera/image_raw", qos_profile_sensor_data)
        self.create_subscription(Detection2DArray, "detections", self._on_detections, 50)
        self.create_subscription(DetectionSource, "detection_source", self._on_source, 50)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        self._load = self.create_client(LoadBundle, "detector/load_bundle")
        self._parameters = self.create_client(SetParameters, "detector/set_parameters")
        self.create_timer(1 / rate_hz, self._show)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Go on until something is so."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while not condition():
            rclpy.spin_once(self, timeout_sec=0.05)
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"no {what} within {_PATIENCE_S:.0f} s")

    def load(self, file: str) -> str:
        """Have the node load a bundle; its digest."""
        self.until(self._load.service_is_ready, "service load_bundle")
        answer = self._load.call_async(LoadBundle.Request(path=file))
        self.until(answer.done, "answer of load_bundle")
        if not answer.result().ok:
            raise RuntimeError(answer.result().message)
        return str(answer.result().digest)

    def lengthen_probation(self) -> None:
        """So that a fault shows before its end, however late this process is with the frames that show it."""
        value = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=_LONG_PROBATION_FRAMES)
        request = SetParameters.Request(parameters=[Parameter(name="swap_probation_frames", value=value)])
        answer = self._parameters.call_async(request)
        self.until(answer.done, "answer of set_parameters")

    def until_settled(self, digest: str) -> None:
        """Until a bundle has answered more frames from now on than its probation has."""
        wanted = list(self.digests.values()).count(digest) + self._probation_frames + 2
        self.until(lambda: list(self.digests.values()).count(digest) >= wanted, "answers of the new bundle")

    def lost_since(self, first: int) -> int:
        """Frames without an answer, of those shown since `first`, once the last has been answered or given up."""
        last, deadline_s = self.shown, time.monotonic() + 1.0
        while last not in self.digests and time.monotonic() < deadline_s:
            rclpy.spin_once(self, timeout_sec=0.05)
        return len(set(range(first, last + 1)) - (self.marks.keys() & self.digests.keys()))

    def _show(self) -> None:
        self.shown += 1
        row = self._noise.shape[1] * 3 // 8
        self._noise[row : row + TRAP_SIDE_PX, :TRAP_SIDE_PX] = 255 if self.is_trap else 0
        header = Header()
        header.stamp.sec = self.shown
        self._frames.publish(image_message(self._noise, header))

    def _on_detections(self, message: Detection2DArray) -> None:
        edges = [
            (item.bbox.center.position.x - item.bbox.size_x / 2, item.bbox) for item in message.detections
        ]
        self.marks[message.header.stamp.sec] = {
            mark
            for mark in MARKS_PX
            for left_px, box in edges
            if abs(left_px - mark) < 0.1
            and abs(box.size_x - MARK_SIDE_PX) + abs(box.size_y - MARK_SIDE_PX) < 0.1
        }

    def _on_source(self, message: DetectionSource) -> None:
        self.digests[message.header.stamp.sec] = message.digest

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        values = {value.key: value.value for status in message.status for value in status.values}
        self.rollbacks = int(values.get("rollbacks", self.rollbacks))


def main(
    good: list[str], trapped: str, swaps: int, rollbacks: int, rate_hz: int, probation_frames: int
) -> None:
    """First no swap, then good ones, then bad ones."""
    bundles = [open_bundle(Path(file)) for file in good]
    rclpy.init()
    probe = SwapProbe(_size_px(bundles[0]), rate_hz, probation_frames)
    probe.until(lambda: len(probe.marks.keys() & probe.digests.keys()) > rate_hz, "answers")
    seen = {"frames_without": _BASELINE_FRAMES, "lost_without": _lost_without_swaps(probe)}
    first = probe.shown + 1
    for swap in range(swaps):
        probe.until_settled(probe.load(good[(swap + 1) % 2]))
    seen |= {"frames": probe.shown + 1 - first, "lost": probe.lost_since(first)}
    _spring_traps(probe, trapped, rollbacks, bundles[swaps % 2].digest)
    seen |= {**_mixed(probe, bundles), "rollbacks": probe.rollbacks}
    print(json.dumps(seen))
    probe.destroy_node()
    rclpy.shutdown()


def _lost_without_swaps(probe: SwapProbe) -> int:
    first = probe.shown + 1
    probe.until(lambda: probe.shown >= first + _BASELINE_FRAMES, "frames")
    return probe.lost_since(first)


def _mixed(probe: SwapProbe, bundles: list[Bundle]) -> dict[str, int]:
    """Answers of the two good bundles, and those whose mark is not that of the bundle that they name."""
    marks = {bundle.digest: mark for bundle, mark in zip(bundles, MARKS_PX, strict=True)}
    both = probe.marks.keys() & probe.digests.keys()
    known = [number for number in both if probe.digests[number] in marks]
    mixed = sum(probe.marks[number] != {marks[probe.digests[number]]} for number in known)
    return {"answers": len(known), "mixed": mixed}


def _size_px(bundle: Bundle) -> int:
    assert bundle.model.detector is not None
    return bundle.model.detector.spec.image_size_px


def _spring_traps(probe: SwapProbe, trapped: str, rollbacks: int, good_digest: str) -> None:
    probe.lengthen_probation()
    for done in range(rollbacks):
        probe.is_trap = False
        probe.until_settled(good_digest)
        probe.load(trapped)
        probe.is_trap = True
        probe.until(lambda wanted=done + 1: probe.rollbacks >= wanted, "rollback")


if __name__ == "__main__":
    main(sys.argv[1:3], sys.argv[3], *map(int, sys.argv[4:8]))
