"""What the detector says, heard by who must know what its class ids are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rclpy.node import Node
from std_msgs.msg import Header
from trunnion_interfaces.msg import DetectionSource
from vision_msgs.msg import Detection2DArray, LabelInfo, VisionInfo

from trunnion_cell.model_labels import Labelled, Labels, ModelLabels, Stamp
from trunnion_inference.detections import labels_from
from trunnion_inference.qos import LATCHED, RESULTS, overridable

Seen = Labelled[Detection2DArray]


class DetectorTopics:
    """Calls `on_detections` for each array, and `on_seen` for each whose labels are known, with these."""

    def __init__(
        self,
        node: Node,
        known: Mapping[str, Labels],
        on_detections: Callable[[], None],
        on_seen: Callable[[Seen], None],
    ) -> None:
        self._labels = ModelLabels[Detection2DArray](known)
        self._tell_detections, self._tell_seen = on_detections, on_seen
        for kind, topic, callback, qos in (
            (Detection2DArray, "detections", self._on_detections, RESULTS),
            (DetectionSource, "detection_source", self._on_source, RESULTS),
            (LabelInfo, "label_info", self._on_labels, LATCHED),
            (VisionInfo, "vision_info", self._on_model, LATCHED),
        ):
            node.create_subscription(kind, topic, callback, **overridable(qos))

    @property
    def wanting(self) -> str:
        """What is missing to know the labels of the last detections; empty when they are known."""
        return self._labels.wanting

    def _on_detections(self, message: Detection2DArray) -> None:
        self._tell_detections()
        self._tell(self._labels.add_detections(_stamp(message.header), message))

    def _on_source(self, message: DetectionSource) -> None:
        self._tell(self._labels.add_source(_stamp(message.header), message.digest))

    def _on_labels(self, message: LabelInfo) -> None:
        names = labels_from(message)
        labels = tuple(names.get(class_id, "") for class_id in range(max(names, default=-1) + 1))
        self._labels.add_labels(_stamp(message.header), labels)

    def _on_model(self, message: VisionInfo) -> None:
        digest = message.database_location.rpartition("#sha256:")[2]
        self._labels.add_model(_stamp(message.header), digest)

    def _tell(self, seen: Seen | None) -> None:
        if seen is not None:
            self._tell_seen(seen)


def _stamp(header: Header) -> Stamp:
    return (header.stamp.sec, header.stamp.nanosec, header.frame_id)
