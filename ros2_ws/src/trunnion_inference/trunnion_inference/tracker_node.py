"""Follows objects from image to image: `detections` of any detector in, `tracks` with ids out."""

from __future__ import annotations

import time

from rclpy.node import Node
from vision_msgs.msg import Detection2DArray

from trunnion_edge.telemetry import Timings
from trunnion_edge.tracking import Tracker, TrackingSettings
from trunnion_inference.clocks import stamp_s
from trunnion_inference.detections import detections_from, detections_message
from trunnion_inference.heartbeat import WARN, Health, Heartbeat
from trunnion_inference.parameters import number, whole
from trunnion_inference.process import run_node
from trunnion_inference.qos import RESULTS, overridable

SILENT_AFTER_S = 2.0
_DEFAULT = TrackingSettings()


class TrackerNode(Node):
    """One for each camera. The header of an array goes on to its tracks; what has no id yet is left out."""

    def __init__(self) -> None:
        super().__init__("tracker")
        self._tracker = Tracker(self._settings())
        self._update_time, self._objects = Timings(), 0
        self._heard_s = time.monotonic()
        self._tracks = self.create_publisher(Detection2DArray, "tracks", **overridable(RESULTS))
        self.create_subscription(Detection2DArray, "detections", self._on_detections, **overridable(RESULTS))
        self._heartbeat = Heartbeat(self, self._health)

    def last_word(self) -> None:
        """Nothing moves by this node's word."""

    def _settings(self) -> TrackingSettings:
        scores = "Read at start. Least score of a box that "
        declare = self.declare_parameter
        declare(
            "new_track_score_min",
            _DEFAULT.new_track_score_min,
            number(f"{scores}may be a new object", 0.0, 1.0),
        )
        declare(
            "sure_score_min", _DEFAULT.sure_score_min, number(f"{scores}chooses its object first", 0.0, 1.0)
        )
        declare(
            "iou_min",
            _DEFAULT.iou_min,
            number("Read at start. Least overlap with the expected box", 0.0, 1.0),
        )
        declare(
            "confirmed_after",
            _DEFAULT.confirmed_after,
            whole("Read at start. Images in a row before an id", 1, 100),
        )
        declare(
            "lost_after_s",
            _DEFAULT.lost_after_s,
            number("Read at start. How long an unseen object keeps its id", 0.04, 60.0),
        )
        values = {name: self.get_parameter(name).value for name in TrackingSettings.__dataclass_fields__}
        return TrackingSettings(**values)

    def _on_detections(self, message: Detection2DArray) -> None:
        began_s = self._heard_s = time.monotonic()
        tracks = self._tracker.update(detections_from(message), stamp_s(message.header))
        answer = detections_message(tracks.detections, message.header)
        for detection, identity in zip(answer.detections, tracks.ids, strict=True):
            detection.id = str(identity)
        self._tracks.publish(answer)
        self._objects = len(tracks.ids)
        self._update_time.add((time.monotonic() - began_s) * 1e3)

    def _health(self) -> Health:
        summary = self._update_time.summary()
        values = {"objects": str(self._objects)} | {
            f"update_{key}": f"{value:.2f}" for key, value in summary.items() if key.endswith("_ms")
        }
        silence_s = time.monotonic() - self._heard_s
        if silence_s > SILENT_AFTER_S:
            return Health(WARN, f"no detections for {silence_s:.0f} s", values=values)
        return Health(values=values)


def main() -> None:
    """The executable `tracker_node`."""
    run_node(TrackerNode, TrackerNode.last_word)
