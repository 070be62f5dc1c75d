"""The topics of one camera: its images in, what the detector says about them out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.publisher import Publisher
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float64, Header
from trunnion_interfaces.msg import DetectionSource, Keypoints
from vision_msgs.msg import Detection2DArray, LabelInfo, VisionInfo

from trunnion_contract.detector_spec import Task
from trunnion_edge.decode import Detections
from trunnion_edge.image_encodings import bgr_image
from trunnion_edge.model_source import SourcedDetector
from trunnion_edge.telemetry import Rate
from trunnion_inference.compressed_images import bgr_compressed
from trunnion_inference.debug_image import with_boxes
from trunnion_inference.detections import (
    detections_message,
    instances_message,
    keypoints_message,
    label_info_message,
    source_message,
    vision_info_message,
)
from trunnion_inference.frames import Arrivals
from trunnion_inference.images import image_message
from trunnion_inference.qos import LATCHED, PICTURES, RESULTS, images, overridable
from trunnion_inference.serialized_images import read_image


@dataclass(frozen=True)
class _Transport:
    """How images come: the type, what is added to the topic, how a message is read and made a picture."""

    kind: type
    suffix: str
    read: Callable[[bytes], Any]
    to_bgr: Callable[[Any], np.ndarray]


_TRANSPORTS = {
    "raw": _Transport(Image, "", read_image, bgr_image),
    "compressed": _Transport(
        CompressedImage,
        "/compressed",
        lambda data: deserialize_message(data, CompressedImage),
        bgr_compressed,
    ),
}
# A frame that has come is worth more than what this thread would do next.
_YIELD_S = 1e-4


class CameraTopics:
    """Names are relative to the camera's namespace; `on_frame` gets its name and each message, still serialised.

    Attributes:
        arrivals: how many frames came and how many were lost on the way.
        rate: how often detections are published.
        trouble: why the last frame could not be used; empty when it could.
    """

    def __init__(
        self,
        node: LifecycleNode,
        camera: str,
        transport: str,
        queue_frames: int,
        on_frame: Callable[[str, bytes], object],
        task: Task = "detection",
    ) -> None:
        self._node = node
        self._camera = camera
        self._on_frame = on_frame
        self._transport = _TRANSPORTS[transport]
        self._prefix = f"{camera}/" if camera else ""
        self._advertise()
        self._advertise_of(task)
        # As image_transport does it: the suffix goes to what the name of the raw topic was remapped to.
        topic = node.resolve_topic_name(f"{self._prefix}image_raw") + self._transport.suffix
        self._images = node.create_subscription(
            self._transport.kind, topic, self._on_image, raw=True, **overridable(images(queue_frames))
        )
        self.reset()

    def reset(self) -> None:
        """Count from 0, as one who has heard nothing yet."""
        self.arrivals, self.rate, self.trouble = Arrivals(), Rate(), ""
        self._last_image_s = time.monotonic()

    def silence_s(self) -> float:
        """Seconds since the last image, or since `reset`."""
        return time.monotonic() - self._last_image_s

    def picture(self, data: bytes) -> tuple[Header, np.ndarray]:
        """Header and uint8 [h, w, 3] BGR of a serialised message.

        Raises:
            BadInput: it holds no picture that can be used.
        """
        message = self._transport.read(data)
        return message.header, self._transport.to_bgr(message)

    def publish(self, detections: Detections, header: Header, model: SourcedDetector) -> None:
        """The answer to one frame, and which model gave it; masks only while somebody takes them."""
        self._detections.publish(detections_message(detections, header))
        self._source.publish(source_message(model.source, header))
        names = model.detector.spec.keypoints
        if self._keypoints is not None and names is not None:
            self._keypoints.publish(keypoints_message(detections, names.names, header))
        if self._instances is not None and self._instances.get_subscription_count():
            self._instances.publish(instances_message(detections, header))
        self.rate.tick(time.monotonic())

    def publish_times(self, processing_ms: float, latency_ms: float) -> None:
        """How long a frame was worked on, and how old it was when its detections were published."""
        self._processing.publish(Float64(data=processing_ms))
        self._latency.publish(Float64(data=latency_ms))

    def publish_debug_image(
        self, image_bgr: np.ndarray, detections: Detections, labels: tuple[str, ...], header: Header
    ) -> None:
        """Draw the boxes, while somebody looks."""
        if self._debug_image.get_subscription_count():
            self._debug_image.publish(image_message(with_boxes(image_bgr, detections, labels), header))

    def tell_model(self, model: SourcedDetector, threshold: float, version: int, header: Header) -> None:
        """Who detects from now on, and what its classes are called."""
        self._label_info.publish(label_info_message(model.labels, threshold, header))
        self._vision_info.publish(vision_info_message(model.source, version, header))

    def destroy(self) -> None:
        """Leave all topics."""
        self._node.destroy_subscription(self._images)
        self._node.destroy_lifecycle_publisher(self._detections)
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)

    def _advertise(self) -> None:
        private = f"~/{self._prefix.lstrip('/')}debug/"
        self._detections = self._node.create_lifecycle_publisher(
            Detection2DArray, f"{self._prefix}detections", **overridable(RESULTS)
        )
        self._source = self._publisher(DetectionSource, f"{self._prefix}detection_source", RESULTS)
        self._label_info = self._publisher(LabelInfo, f"{self._prefix}label_info", LATCHED)
        self._vision_info = self._publisher(VisionInfo, f"{self._prefix}vision_info", LATCHED)
        self._debug_image = self._publisher(Image, f"{self._prefix}debug_image", PICTURES)
        self._processing = self._publisher(Float64, f"{private}processing_time_ms", RESULTS)
        self._latency = self._publisher(Float64, f"{private}pipeline_latency_ms", RESULTS)
        self._publishers: tuple[Publisher, ...] = (
            self._source,
            self._label_info,
            self._vision_info,
            self._debug_image,
            self._processing,
            self._latency,
        )

    def _advertise_of(self, task: Task) -> None:
        """What models of this task say besides boxes."""
        self._instances = self._keypoints = None
        if task == "segmentation":
            self._instances = self._publisher(Image, f"{self._prefix}instances", PICTURES)
            self._publishers += (self._instances,)
        if task == "pose":
            self._keypoints = self._publisher(Keypoints, f"{self._prefix}keypoints", RESULTS)
            self._publishers += (self._keypoints,)

    def _publisher(self, kind: type, topic: str, qos: Any) -> Publisher:
        return self._node.create_publisher(kind, topic, **overridable(qos))

    def _on_image(self, data: bytes, info: dict[str, Any]) -> None:
        if self._on_frame(self._camera, data):
            self._last_image_s = time.monotonic()
            self.arrivals.note(info.get("publication_sequence_number"), self._images.get_publisher_count())
            # The detecting thread waits for the interpreter's lock, which this one gives up only when it sleeps.
            time.sleep(_YIELD_S)
