"""The detector as a lifecycle node: images of one or more cameras in, detections out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from rclpy.parameter import Parameter

from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import BadInput
from trunnion_edge.backends import EngineSettings
from trunnion_edge.model_source import SourcedDetector
from trunnion_edge.precision import PrecisionChoice
from trunnion_edge.probation import SwapRules
from trunnion_edge.swap import Change, Event, HotSwap
from trunnion_inference.bundle_node import BundleNode
from trunnion_inference.camera_topics import CameraTopics
from trunnion_inference.clocks import header_now, now_s
from trunnion_inference.detection_worker import DetectionWorker
from trunnion_inference.detector_parameters import (
    LiveSelection,
    batch_of,
    cameras_of,
    declare_cameras,
    declare_precision,
    precision_of,
    transport_of,
)
from trunnion_inference.frames import NewestFrames
from trunnion_inference.heartbeat import ERROR, WARN, Health
from trunnion_inference.load_bundle import LoadBundleService
from trunnion_inference.process import run_node

SILENT_AFTER_S = 2.0
# While another bundle is opened beside the running one, it may take longer for a frame.
SWAP_QUEUE_FRAMES = 5
_LOG_EVERY_S = 5.0


class DetectorNode(BundleNode):
    """Detects in the newest frames, on a thread of its own: the executor's takes them in and answers services."""

    def __init__(self) -> None:
        super().__init__("detector")
        declare_cameras(self)
        declare_precision(self)
        self._selection = LiveSelection(self, self._tell_model)
        self._load_bundle = LoadBundleService(self, self._offer)
        self._swap: HotSwap | None = None
        self._cameras: dict[str, CameraTopics] = {}
        self._frames = NewestFrames(())
        self._worker: DetectionWorker | None = None
        self._models_told = 0
        self._telling = threading.Lock()

    def open(self, bundle: Bundle) -> None:
        """Open the detector and warm it up; publish what its classes are called."""
        cameras, transport = cameras_of(self), transport_of(self)
        self._batch_asked = int(self.get_parameter("batch_max").value)
        model = self._opened(bundle, self.engine_settings(), precision_of(self))
        self._swap = HotSwap(model, self._on_change)
        self._selection.chosen.check(model.labels)
        model.detector.warm_up()
        self._queue_frames = queue_frames = int(self.get_parameter("queue_frames").value)
        self._frames = NewestFrames(cameras, queue_frames)
        for camera in cameras:
            self._cameras[camera] = CameraTopics(
                self, camera, transport, queue_frames, self._frames.put, model.detector.spec.task
            )
        self._worker = DetectionWorker(
            self._frames,
            self._cameras,
            self._swap,
            lambda: self._selection.chosen,
            lambda: now_s(self),
            self._complain,
        )
        self._introduce(model)
        self._show_threshold()
        self.get_logger().info(f"detects {', '.join(model.labels)} with {bundle.path.name}: {model.source}")

    def runtime(self) -> str:
        """What runs the detector."""
        assert self._swap is not None
        return self._swap.model.source.runtime

    def begin(self) -> None:
        """Let frames in."""
        assert self._worker is not None
        for topics in self._cameras.values():
            topics.reset()
        self._worker.start()

    def pause(self) -> None:
        """Let no more frames in; the one at work is finished."""
        if self._worker is not None:
            self._worker.stop()

    def free(self) -> None:
        """Close the engine and the topics."""
        self.pause()
        self._worker = None
        if self._swap is not None:
            self._swap.close()
            self._swap = None
        self._selection.labels = ()
        while self._cameras:
            self._cameras.popitem()[1].destroy()

    def active_health(self) -> Health:
        """Whether frames come and can be read, how many give way, how long each stage takes, and which model runs."""
        assert self._worker is not None
        values = {**self._model_values(), **self._worker.stages.values()}
        for name, topics in self._cameras.items():
            values |= self._camera_values(name, topics)
        if (stuck_s := self._worker.at_work_s()) > SILENT_AFTER_S:
            return Health(ERROR, f"has been at work on one frame for {stuck_s:.0f} s", values=values)
        troubles = [
            f"{_of(name)}{topics.trouble}" for name, topics in self._cameras.items() if topics.trouble
        ]
        if troubles:
            return Health(ERROR, "; ".join(troubles), values=values)
        silences = [
            f"{_of(name)}no image for {topics.silence_s():.0f} s"
            for name, topics in self._cameras.items()
            if topics.silence_s() > SILENT_AFTER_S
        ]
        return Health(WARN, "; ".join(silences), values=values) if silences else Health(values=values)

    def _model_values(self) -> dict[str, str]:
        assert self._swap is not None
        assert self._worker is not None
        source = self._swap.model.source
        return {
            "frames": str(self._worker.stages.frames),
            "batch_max": str(self._worker.batch_max),
            "model": source.name,
            "version": source.version,
            "digest": source.digest,
            "precision": source.precision,
            "runtime": source.runtime,
            "backend": source.backend,
            "device": source.device,
            "swap": self._swap.state,
            "swap_outcome": self._swap.outcome,
            "swaps": str(self._swap.switched),
            "rollbacks": str(self._swap.rolled_back),
        }

    def _camera_values(self, name: str, topics: CameraTopics) -> dict[str, str]:
        """Frames that came, that gave way to newer ones here, and that never came."""
        prefix = f"{name}/" if name else ""
        return {
            f"{prefix}rate_hz": f"{topics.rate.per_second(time.monotonic()):.1f}",
            f"{prefix}frames_received": str(topics.arrivals.count),
            f"{prefix}frames_replaced": str(self._frames.replaced(name)),
            f"{prefix}frames_lost": str(topics.arrivals.lost),
        }

    def _complain(self, trouble: str) -> None:
        self.get_logger().error(trouble, throttle_duration_sec=_LOG_EVERY_S)

    def _offer(self, path: Path, rules: SwapRules) -> SourcedDetector:
        """Open a bundle beside the running one; on the service's thread."""
        if (swap := self._swap) is None:
            raise BadInput(
                where=f"load_bundle of {self.get_name()}",
                got=f"a node that is {self.state}",
                wanted="one that is inactive or active",
                next_step="set its parameter bundle and configure it",
            )
        settings, precision = self.engine_settings(), precision_of(self)
        self._frames.hold(max(SWAP_QUEUE_FRAMES, self._queue_frames))
        try:
            return swap.offer(
                lambda: self._opened(open_bundle(path), settings, precision),
                rules,
                self._selection.chosen,
            )
        finally:
            if swap.is_settled:
                self._frames.hold(self._queue_frames)

    def _opened(
        self, bundle: Bundle, settings: EngineSettings, precision: PrecisionChoice
    ) -> SourcedDetector:
        """The detector of a bundle, which takes as many images at once as is asked for."""
        model = SourcedDetector.from_bundle(bundle, settings, precision)
        try:
            batch_of(self, self._batch_asked, model)
        except BaseException:
            model.close()
            raise
        return model

    def _on_change(self, change: Change) -> None:
        """Another model detects, or the new one stays; on the worker's thread, between two frames."""
        source = change.model.source
        if change.event is not Event.SWITCHED:
            self._frames.hold(self._queue_frames)
        if change.event is Event.SETTLED:
            self.get_logger().info(f"{source} stays")
            # What cleanup and configure would open again is what runs.
            self._later(lambda: self.set_parameters([Parameter("bundle", value=str(source.bundle))]))
            return
        self._introduce(change.model)
        self._later(self._show_threshold)
        if change.event is Event.ROLLED_BACK:
            self.get_logger().error(f"rolled back to {source}: {change.reason}")
        else:
            self.get_logger().info(f"{source} detects from this frame on, on probation")

    def _introduce(self, model: SourcedDetector) -> None:
        """Another model detects from now on."""
        assert self._worker is not None
        self._worker.batch_max = batch_of(self, self._batch_asked, model)
        self._models_told += 1
        self._selection.labels = model.labels
        self._tell_model()

    def _tell_model(self) -> None:
        """Say on every camera's latched topics which model detects, and from which score on; on either thread."""
        # The last word must be of the latest model, whoever says it.
        with self._telling:
            if self._swap is None:
                return
            model = self._swap.model
            threshold = self._selection.chosen.threshold(model.detector.spec.confidence_threshold)
            for topics in tuple(self._cameras.values()):
                topics.tell_model(model, threshold, self._models_told, header_now(self))

    def _show_threshold(self) -> None:
        if self._swap is not None:
            self._selection.show_threshold(self._swap.model.detector.spec.confidence_threshold)

    def _later(self, task: Callable[[], object]) -> None:
        """On the executor's thread, where parameters are set."""
        if self.executor is not None:
            self.executor.create_task(task)


def _of(camera: str) -> str:
    return f"{camera}: " if camera else ""


def main() -> None:
    """The executable `detector_node`."""
    run_node(DetectorNode, DetectorNode.last_word)
