"""The way to ROS 2, and the only file here that imports rclpy.

One thread runs the executor, and all of rclpy is called on it. Its callbacks put the latest value into a slot and ring
a bell; images and other fast topics stay serialised until somebody looks.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import BatteryState, Image, JointState
from trunnion_interfaces.action import Sort
from trunnion_interfaces.msg import PolicyStatus
from vision_msgs.msg import Detection2DArray

from trunnion_bridge import messages
from trunnion_bridge.doorbell import Doorbell
from trunnion_bridge.heartbeats import LIFECYCLE_KEY, Heartbeats, Level
from trunnion_bridge.installed import MODEL_KEYS, active_model
from trunnion_bridge.models import ActiveModel, Arm, Battery, Camera, Detections, NodeHealth, Order
from trunnion_bridge.readings import Frame, Heard, Rate, Slot
from trunnion_bridge.settings import Settings
from trunnion_bridge.sorter import Sorter
from trunnion_bridge.sorting import SortRun
from trunnion_inference.shared_memory import free_segments_of_the_dead

HEARTBEAT_S = 0.5
SORTER_CHECK_S = 0.25
BATTERY_STALE_MS = 30_000  # who has one says so rarely
_NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_TOLD_KEYS = MODEL_KEYS | {LIFECYCLE_KEY}
_LEVELS: dict[bytes, Level] = {DiagnosticStatus.OK: "ok", DiagnosticStatus.WARN: "warn"}


class Gateway:
    """The robot as last heard of, and the sorter's action. `start` may be called on any thread."""

    def __init__(
        self,
        settings: Settings,
        labels: Sequence[str],
        on_detection_age: Callable[[float], None] = lambda _: None,
        may_command: Callable[[], bool] = lambda: True,
    ) -> None:
        self._settings = settings
        self._labels = tuple(labels)
        self._on_detection_age = on_detection_age
        self._may_command = may_command
        self._heartbeats = Heartbeats(settings.nodes)
        self._pose: Slot[bytes] = Slot()
        self._joints: Slot[bytes] = Slot()
        self._status: Slot[bytes] = Slot()
        self._image: Slot[bytes] = Slot()
        self._detections: Slot[Any] = Slot()
        self._battery: Slot[bytes] = Slot()
        self._image_rate = Rate()
        self.changed = Doorbell()
        self.framed = Doorbell()
        self._thread: threading.Thread | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Join the ROS graph and begin to listen; after a stop, again, as if nothing had been heard."""
        self._context = Context()
        self._heartbeats = Heartbeats(self._settings.nodes)
        arguments = ["--ros-args", *self._settings.ros_arguments] if self._settings.ros_arguments else None
        free_segments_of_the_dead()
        rclpy.init(args=arguments, context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("bridge", namespace=self._settings.namespace, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._subscribe()
        self._diagnostics = self._node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        action = ActionClient(self._node, Sort, "sort")
        self._sorter = Sorter(self._node, action, self._executor, loop, self._may_command)
        self._node.create_timer(HEARTBEAT_S, self._beat)
        self._node.create_timer(SORTER_CHECK_S, self._sorter.look)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="ros", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave the ROS graph."""
        if self._thread is None:
            return
        self._executor.shutdown(timeout_sec=1.0)
        self._thread.join(timeout=1.0)
        self._sorter.close()
        self._node.destroy_node()
        self._context.try_shutdown()
        self._thread = None

    @property
    def alive(self) -> bool:
        """Whether the thread that listens to ROS runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def sorter_here(self) -> bool:
        """Whether an action server takes orders."""
        return self._thread is not None and self._sorter.is_here

    def sorter_silence_s(self) -> float | None:
        """Seconds since the sorter's last heartbeat; None when it never sent one."""
        return self._heartbeats.silence_s("sorter", time.monotonic())

    def nodes(self) -> list[NodeHealth]:
        """Each node's health."""
        return self._heartbeats.health(time.monotonic())

    def away(self) -> list[NodeHealth]:
        """Nodes that an order needs and that do not work."""
        return self._heartbeats.away(time.monotonic())

    def models(self) -> list[ActiveModel]:
        """What the nodes that are there say that they run."""
        said = self._heartbeats.values(time.monotonic())
        return [model for node, values in said.items() if (model := active_model(node, values))]

    def arm(self) -> Arm:
        """Where the arm is and what it does."""
        now_s = time.monotonic()
        pose, joints, status = self._pose.look(), self._joints.look(), self._status.look()
        # A status that is no longer sent says nothing about now.
        current = status if status and status.fresh(now_s) else None
        return messages.arm_from(
            _read(pose, PoseStamped),
            _read(joints, JointState),
            _read(current, PolicyStatus),
            here=bool(pose and pose.fresh(now_s)),
            age_ms=pose.age_ms(now_s) if pose else None,
        )

    def camera(self) -> Camera:
        """Whether and how fast images come."""
        now_s, heard = time.monotonic(), self._image.look()
        return Camera(
            here=bool(heard and heard.fresh(now_s)),
            rate_hz=round(self._image_rate.per_second(now_s), 1),
            age_ms=heard.age_ms(now_s) if heard else None,
        )

    def battery(self) -> Battery | None:
        """What the robot says of its battery, None when it does not say."""
        heard = self._battery.look()
        if heard is None or heard.age_ms(time.monotonic()) > BATTERY_STALE_MS:
            return None
        return messages.battery_from(_read(heard, BatteryState))

    @property
    def frames(self) -> int:
        """Images that came since the start."""
        heard = self._image.look()
        return heard.number if heard else 0

    def frame(self) -> Frame | None:
        """The latest image, None when none is fresh. Takes a millisecond or more: keep it off the event loop."""
        heard = self._image.look()
        if heard is None or not heard.fresh(time.monotonic()):
            return None
        message = _read(heard, Image)
        stamp_ns = messages.nanoseconds_from(message.header.stamp)
        return Frame(heard.number, stamp_ns, messages.image_bgr_from(message))

    def detections(self) -> Detections | None:
        """What the detector sees, None when it does not say."""
        now_s, heard = time.monotonic(), self._detections.look()
        if heard is None or not heard.fresh(now_s):
            return None
        return Detections(
            stamp_ns=messages.nanoseconds_from(heard.value.header.stamp),
            age_ms=heard.age_ms(now_s),
            frame=heard.value.header.frame_id,
            items=messages.detections_from(heard.value, self._labels),
        )

    def sort(self, order: Order, run: SortRun) -> None:
        """See Sorter."""
        self._sorter.sort(order, run)

    def ask(self, order: Order, run: SortRun) -> None:
        """See Sorter."""
        self._sorter.ask(order, run)

    def cancel(self, order_id: str) -> None:
        """See Sorter."""
        self._sorter.cancel(order_id)

    # All below runs on the executor's thread.

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def _subscribe(self) -> None:
        def subscribe(kind: type, topic: str, callback: Callable[[Any], None], raw: bool = True) -> None:
            self._node.create_subscription(kind, topic, callback, _NEWEST, raw=raw)

        subscribe(PoseStamped, "current_pose", lambda data: self._keep(self._pose, data))
        subscribe(JointState, "joint_states", lambda data: self._keep(self._joints, data))
        subscribe(PolicyStatus, "policy/status", lambda data: self._keep(self._status, data))
        subscribe(BatteryState, "battery_state", lambda data: self._keep(self._battery, data))
        subscribe(Image, "camera/image_raw", self._on_image)
        subscribe(Detection2DArray, "detections", self._on_detections, raw=False)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def _keep(self, slot: Slot[bytes], data: bytes) -> None:
        slot.put(data, time.monotonic())
        self.changed.ring()

    def _on_image(self, data: bytes) -> None:
        now_s = time.monotonic()
        self._image.put(data, now_s)
        self._image_rate.tick(now_s)
        self.framed.ring()

    def _on_detections(self, message: Any) -> None:
        self._detections.put(message, time.monotonic())
        self._on_detection_age(max(0.0, time.time() - messages.nanoseconds_from(message.header.stamp) / 1e9))
        self.changed.ring()

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            if status.name != self._node.get_name():
                level = _LEVELS.get(status.level, "error")
                values = {item.key: item.value for item in status.values if item.key in _TOLD_KEYS}
                self._heartbeats.hear(status.name, level, status.message, time.monotonic(), values)
        self.changed.ring()

    def _beat(self) -> None:
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [
            DiagnosticStatus(
                level=DiagnosticStatus.OK,
                name=self._node.get_name(),
                message="works",
                hardware_id=self._node.get_fully_qualified_name(),
                values=[KeyValue(key="state", value="active")],
            )
        ]
        self._diagnostics.publish(message)


def _read(heard: Heard[bytes] | None, kind: Any) -> Any:
    return deserialize_message(heard.value, kind) if heard else None
