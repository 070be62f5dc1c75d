"""The detector as a lifecycle node: `image_raw` in, `detections` and `label_info` out."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from trunnion_contract.bundle import Bundle
from trunnion_contract.errors import TrunnionError
from trunnion_edge.detector import Detector
from trunnion_edge.telemetry import Timings
from trunnion_inference.bundle_node import BundleNode
from trunnion_inference.clocks import header_now, now_s, stamp_s
from trunnion_inference.detections import detections_message, label_info_message
from trunnion_inference.heartbeat import ERROR, WARN, Health
from trunnion_inference.images import bgr_image
from trunnion_inference.parameters import number
from trunnion_inference.process import run_node
from trunnion_inference.qos import LATCHED, NEWEST, RESULTS, overridable

THRESHOLD = "confidence_threshold"
SILENT_AFTER_S = 2.0
_LOG_EVERY_S = 5.0


@dataclass
class Stages:
    """Where the time of a frame goes; `latency` is from its stamp until its detections are published."""

    image: Timings
    detect: Timings
    publish: Timings
    latency: Timings

    def values(self) -> dict[str, str]:
        """Medians and 99th percentiles in milliseconds, for /diagnostics."""
        stages = {
            "image": self.image,
            "detect": self.detect,
            "publish": self.publish,
            "latency": self.latency,
        }
        return {
            f"{name}_{key}": f"{value:.2f}"
            for name, timings in stages.items()
            for key, value in timings.summary().items()
            if key in ("p50_ms", "p99_ms")
        }


class DetectorNode(BundleNode):
    """Detects in the newest frame: while one is worked on, later ones replace each other in the queue of one."""

    def __init__(self) -> None:
        super().__init__("detector")
        self._detector: Detector | None = None
        self._is_open = False
        self._threshold_is_ours = False
        # Without a value of its own, the threshold is the bundle's.
        self.declare_parameter(
            THRESHOLD,
            Parameter.Type.DOUBLE,
            number("Least score of a detection; may be set at any time", 0.0, 1.0),
        )
        self.add_on_set_parameters_callback(self._on_parameters)
        self._forget()

    def open(self, bundle: Bundle) -> None:
        """Open the detector and warm it up; publish what its classes are called."""
        detector = Detector.from_model(bundle.model, bundle.read, self.engine_settings())
        self._detector = detector
        detector.confidence_threshold = self._threshold(detector.spec.confidence_threshold)
        detector.warm_up()
        self._detections = self.create_lifecycle_publisher(
            Detection2DArray, "detections", RESULTS, **overridable()
        )
        self._label_info = self.create_publisher(LabelInfo, "label_info", LATCHED, **overridable())
        self._images = self.create_subscription(Image, "image_raw", self._on_image, NEWEST, **overridable())
        self._tell_labels()
        self.get_logger().info(
            f"detects {', '.join(detector.labels)} with {bundle.path.name} ({bundle.digest[:12]})"
        )

    def begin(self) -> None:
        """Let frames in."""
        self._forget()
        self._is_open = True

    def pause(self) -> None:
        """Let no more frames in."""
        self._is_open = False

    def free(self) -> None:
        """Close the engine and the topics."""
        self._is_open = False
        if self._detector is None:
            return
        self._detector.close()
        self._detector = None
        for name, destroy in (
            ("_images", self.destroy_subscription),
            ("_detections", self.destroy_lifecycle_publisher),
            ("_label_info", self.destroy_publisher),
        ):
            if (endpoint := self.__dict__.pop(name, None)) is not None:
                destroy(endpoint)

    def active_health(self) -> Health:
        """Whether frames come and can be read, and how long each stage takes."""
        values = {"frames": str(self._stages.detect.count), **self._stages.values()}
        if self._trouble:
            return Health(ERROR, self._trouble, values=values)
        silence_s = time.monotonic() - self._last_image_s
        if silence_s > SILENT_AFTER_S:
            return Health(WARN, f"no image for {silence_s:.0f} s", values=values)
        return Health(values=values)

    def _on_image(self, message: Image) -> None:
        if not self._is_open or self._detector is None:
            return
        self._last_image_s = time.monotonic()
        try:
            self._detect(self._detector, message)
        except TrunnionError as error:
            self._trouble = str(error)
            self.get_logger().error(self._trouble, throttle_duration_sec=_LOG_EVERY_S)
        else:
            self._trouble = ""

    def _detect(self, detector: Detector, message: Image) -> None:
        marks_s = [time.perf_counter()]
        image_bgr = bgr_image(message)
        marks_s.append(time.perf_counter())
        detections = detector.detect(image_bgr)
        marks_s.append(time.perf_counter())
        self._detections.publish(detections_message(detections, message.header))
        marks_s.append(time.perf_counter())
        stages = self._stages
        for timings, begin_s, end_s in zip(
            (stages.image, stages.detect, stages.publish), marks_s, marks_s[1:], strict=False
        ):
            timings.add((end_s - begin_s) * 1e3)
        stages.latency.add((now_s(self) - stamp_s(message.header)) * 1e3)

    def _threshold(self, of_bundle: float) -> float:
        """The parameter where somebody set it, else the bundle's, which the parameter then shows."""
        given = self.get_parameter_or(THRESHOLD, None)
        if given is None or given.value is None or self._threshold_is_ours:
            self.set_parameters([Parameter(THRESHOLD, value=of_bundle)])
            self._threshold_is_ours = True
        return float(self.get_parameter(THRESHOLD).value)

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name == THRESHOLD and self._detector is not None:
                self._detector.confidence_threshold = parameter.value
                self._threshold_is_ours = False
                self._tell_labels(parameter.value)
        return SetParametersResult(successful=True)

    def _tell_labels(self, threshold: float | None = None) -> None:
        if self._detector is None or "_label_info" not in self.__dict__:
            return
        threshold = self._detector.confidence_threshold if threshold is None else threshold
        self._label_info.publish(label_info_message(self._detector.labels, threshold, header_now(self)))

    def _forget(self) -> None:
        self._stages = Stages(Timings(), Timings(), Timings(), Timings())
        self._trouble = ""
        self._last_image_s = time.monotonic()


def main() -> None:
    """The executable `detector_node`."""
    run_node(DetectorNode, DetectorNode.last_word)
