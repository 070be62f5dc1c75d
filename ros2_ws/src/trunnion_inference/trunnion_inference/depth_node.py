"""Boxes in space: `detections` of any detector and the depth image of the same camera in, `detections_3d` out."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, Detection3DArray

from trunnion_contract.errors import BadInput, TrunnionError
from trunnion_edge.depth import Boxes3D, lift
from trunnion_edge.intrinsics import Intrinsics
from trunnion_edge.telemetry import Rate, Timings
from trunnion_inference.camera_infos import intrinsics_of
from trunnion_inference.clocks import steady_clock
from trunnion_inference.depth_images import depth_m
from trunnion_inference.depth_pairing import Pair
from trunnion_inference.depth_parameters import AGE_MAX, RECTIFIED, declare_depth, pairing_of, settings_of
from trunnion_inference.detections_3d import boxes_of, detections_3d_message
from trunnion_inference.frames import Arrivals
from trunnion_inference.heartbeat import ERROR, WARN, Health
from trunnion_inference.managed_node import ManagedNode
from trunnion_inference.process import run_node
from trunnion_inference.qos import LATCHED, NEWEST, RESULTS, images, overridable

# Also how long a trouble with single arrays is told.
SILENT_AFTER_S = 2.0
_LOG_EVERY_S = 5.0
_LOOK_EVERY_S = 0.02
_DETECTIONS, _DEPTH, _CAMERA = "detections", "depth/image", "camera_info"
_NO_BOXES = Boxes3D(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)))
# Serialised depth images with their pairs: of those that nobody asks for, no more than the header is read.
_Pair = Pair[Detection2DArray, bytes]


class DepthNode(ManagedNode):
    """One for each camera. The header of an array goes on to its boxes in space.

    Detections whose depth nobody can tell are left out and counted. An array for which there is no depth image, or no
    calibration, is not answered at all: an empty answer would say that nothing is there.
    """

    def __init__(self) -> None:
        super().__init__("depth")
        self._endpoints: list[tuple[Any, Any]] = []
        self._camera: Intrinsics | None = None
        self._camera_trouble = ""
        self._is_open = False
        declare_depth(self)
        self._forget()

    def make_ready(self) -> None:
        """Read the parameters; make the topics."""
        self._settings = settings_of(self)
        self._is_rectified = bool(self.get_parameter(RECTIFIED).value)
        self._forget()
        self._boxes = self.create_lifecycle_publisher(
            Detection3DArray, "detections_3d", **overridable(RESULTS)
        )
        self._endpoints.append((self.destroy_lifecycle_publisher, self._boxes))
        self._listen(Detection2DArray, _DETECTIONS, self._on_detections, RESULTS)
        self._listen_for_calibration()
        self._listen(Image, _DEPTH, self._on_depth, images(1), raw=True)
        timer = self.create_timer(_LOOK_EVERY_S, self._answer, clock=steady_clock())
        self._endpoints.append((self.destroy_timer, timer))

    def begin(self) -> None:
        """Answer from now on."""
        self._forget()
        self._is_open = True

    def pause(self) -> None:
        """Answer no more."""
        self._is_open = False

    def free(self) -> None:
        """Leave all topics."""
        self._is_open, self._camera, self._camera_trouble = False, None, ""
        while self._endpoints:
            destroy, endpoint = self._endpoints.pop()
            destroy(endpoint)

    def active_health(self) -> Health:
        """Whether all that is needed comes, and how much could not be answered."""
        values = self._values()
        is_recent = time.monotonic() - self._trouble_s <= SILENT_AFTER_S
        troubles = [self._camera_trouble, self._trouble if is_recent else ""]
        if any(troubles):
            return Health(ERROR, "; ".join(filter(None, troubles)), values=values)
        silences = self._silences()
        return Health(WARN, "; ".join(silences), values=values) if silences else Health(values=values)

    def _values(self) -> dict[str, str]:
        values = {
            "arrays_answered": str(self._work_time.count),
            "arrays_lost": str(self._arrivals.lost),
            "arrays_unanswered": str(self._unanswered),
            "detections_without_depth": str(self._without_depth),
            "rate_hz": f"{self._rate.per_second(time.monotonic()):.1f}",
            "depth_apart_ms": "" if self._apart_ms is None else f"{self._apart_ms:.1f}",
        }
        summary = self._work_time.summary().items()
        return values | {
            f"lift_{key}": f"{value:.2f}" for key, value in summary if key in ("p50_ms", "p99_ms")
        }

    def _silences(self) -> list[str]:
        """Of topics that go on; a calibration need be said no second time."""
        return [
            f"no {topic} for {silence_s:.0f} s"
            for topic, heard_s in self._heard_s.items()
            if (silence_s := time.monotonic() - heard_s) > SILENT_AFTER_S
            and not (topic == _CAMERA and self._camera)
        ]

    def _listen(self, kind: type, topic: str, callback: Any, qos: Any, *, raw: bool = False) -> None:
        subscription = self.create_subscription(kind, topic, callback, raw=raw, **overridable(qos))
        self._endpoints.append((self.destroy_subscription, subscription))

    def _listen_for_calibration(self) -> None:
        """Twice: the latched subscription hears what was said before, but no best effort publisher."""
        self._listen(CameraInfo, _CAMERA, self._on_camera_info, NEWEST)
        # Without the default warning that it hears nothing of such a publisher: the other one does.
        quiet = SubscriptionEventCallbacks(use_default_callbacks=False)
        latched = self.create_subscription(
            CameraInfo,
            _CAMERA,
            self._on_camera_info,
            event_callbacks=quiet,
            **overridable(LATCHED, "latched"),
        )
        self._endpoints.append((self.destroy_subscription, latched))

    def _forget(self) -> None:
        """As one who has heard nothing yet but the camera's calibration, which may be said once only."""
        self._pairing = pairing_of(self)
        self._heard_s = dict.fromkeys((_DETECTIONS, _DEPTH, _CAMERA), time.monotonic())
        self._work_time, self._rate, self._arrivals = Timings(), Rate(), Arrivals()
        self._unanswered = self._without_depth = 0
        self._apart_ms: float | None = None
        self._trouble, self._trouble_s = "", 0.0

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._heard_s[_CAMERA] = time.monotonic()
        try:
            self._camera, self._camera_trouble = intrinsics_of(message, rectified=self._is_rectified), ""
        except BadInput as error:
            self._camera, self._camera_trouble = None, str(error)
            self._log_error(str(error))

    def _on_depth(self, data: bytes) -> None:
        self._heard_s[_DEPTH] = time.monotonic()
        if self._is_open:
            self._pairing.add_depth(_stamp_ns(deserialize_message(data, Header)), data)
            self._answer()

    def _on_detections(self, message: Detection2DArray, info: dict[str, Any]) -> None:
        self._heard_s[_DETECTIONS] = time.monotonic()
        if self._is_open:
            publishers = self.count_publishers(self.resolve_topic_name(_DETECTIONS))
            self._arrivals.note(info.get("publication_sequence_number"), publishers)
            self._pairing.add_detections(_stamp_ns(message.header), message, time.monotonic())
            self._answer()

    def _answer(self) -> None:
        """Answer those arrays that need to wait no longer for their depth image."""
        if not self._is_open:
            return
        for pair in self._pairing.ready(time.monotonic()):
            began_s = time.monotonic()
            try:
                boxes = self._lifted(pair)
            except TrunnionError as error:
                self._unanswered += 1
                self._complain(str(error))
                continue
            self._boxes.publish(detections_3d_message(pair.detections, boxes))
            self._note(pair, boxes, began_s)

    def _lifted(self, pair: _Pair) -> Boxes3D:
        """The boxes of one array.

        Raises:
            BadInput: there is no depth image for it that can be used, or no calibration.
        """
        message = pair.detections
        if not message.detections:
            return _NO_BOXES
        if self._camera is None:
            raise _refused(_CAMERA, "none that can be used", "the calibration of the detections' camera")
        if pair.depth is None:
            raise self._no_depth(pair)
        image = deserialize_message(pair.depth, Image)
        if image.header.frame_id != message.header.frame_id:
            raise _refused(
                _DEPTH,
                f"one in frame '{image.header.frame_id}'",
                f"one that is registered to the image, in frame '{message.header.frame_id}'",
            )
        return lift(boxes_of(message), depth_m(image), self._camera, self._settings)

    def _no_depth(self, pair: _Pair) -> BadInput:
        nearest = "none" if pair.apart_ms is None else f"the nearest one {pair.apart_ms:+.0f} ms away"
        age_max_ms = self.get_parameter(AGE_MAX).value
        return _refused(_DEPTH, nearest, f"one within {age_max_ms:g} ms of the detections")

    def _note(self, pair: _Pair, boxes: Boxes3D, began_s: float) -> None:
        now_s = time.monotonic()
        self._without_depth += len(pair.detections.detections) - len(boxes.rows)
        if pair.detections.detections:
            self._apart_ms, self._trouble = pair.apart_ms, ""
        self._work_time.add((now_s - began_s) * 1e3)
        self._rate.tick(now_s)

    def _complain(self, trouble: str) -> None:
        self._trouble, self._trouble_s = trouble, time.monotonic()
        self._log_error(trouble)

    def _log_error(self, trouble: str) -> None:
        self.get_logger().error(trouble, throttle_duration_sec=_LOG_EVERY_S)


def _stamp_ns(header: Header) -> int:
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)


def _refused(topic: str, got: str, wanted: str) -> BadInput:
    next_step = (
        "look at the camera driver: it must publish registered depth and camera_info with the image's stamp"
    )
    return BadInput(where=f"the topic {topic}", got=got, wanted=wanted, next_step=next_step)


def main() -> None:
    """The executable `depth_node`."""
    run_node(DepthNode, DepthNode.last_word)
