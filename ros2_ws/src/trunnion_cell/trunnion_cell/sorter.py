"""The task executive as a node: one order at a time, from the action `sort` to goals for the policy node."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point as PointMessage
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo
from trunnion_interfaces.action import Sort
from trunnion_interfaces.msg import PolicyGoal, PolicyStatus

from trunnion_cell.detector_topics import DetectorTopics, Seen
from trunnion_cell.model_labels import Labels
from trunnion_cell.watch import HEARTBEAT, Watch
from trunnion_contract.cell import Point
from trunnion_contract.errors import BadInput
from trunnion_edge.camera import PinholeCamera
from trunnion_edge.decode import Detections
from trunnion_edge.goals import Goal, RobotState
from trunnion_edge.orders import OrderLine
from trunnion_edge.parts import SeenParts, locate
from trunnion_edge.sorting import Sorter
from trunnion_inference.clocks import header_now, now_s, period_clock, stamp_s
from trunnion_inference.detections import detections_from
from trunnion_inference.heartbeat import TOPIC as DIAGNOSTICS
from trunnion_inference.heartbeat import WARN, Health, Heartbeat
from trunnion_inference.parameters import number, text
from trunnion_inference.process import run_node
from trunnion_inference.qos import COMMAND, HEARTBEATS, NEWEST, overridable
from trunnion_inference.robot_bundle import cell_of, declare_bundle, open_named_bundle

TICK_HZ = 20
FRAME = "base"
FEEDBACK_EVERY_TICKS = 10
SIMULATED_ROBOT = "simulated_robot"
LABELS = "labels of what it detects"


@dataclass
class Order:
    """The order at work: its goal handle, its executive, and what its end wakes up."""

    handle: ServerGoalHandle
    sorter: Sorter
    ended: Future
    told: tuple[str, int, str, str] = ("", 0, "", "")
    ticks: int = 0


class SorterNode(Node):
    """Accepts an order when none is at work; a second one is refused, for the bridge keeps the queue."""

    def __init__(self) -> None:
        super().__init__("sorter")
        self._declare()
        bundle = open_named_bundle(self)
        self._layout = cell_of(bundle)
        # Of any other model the labels are what the detector says.
        labels = bundle.model.detector.spec.labels if bundle.model.detector else ()
        known = {bundle.digest: labels}
        self._detector = DetectorTopics(
            self, known, lambda: self._hear("detector", "detections"), self._on_seen
        )
        # Until the camera's own word (camera_info) has come.
        self._camera = PinholeCamera.from_layout(self._layout.camera)
        self._pose: PoseStamped | None = None
        self._status: PolicyStatus | None = None
        self._seen: SeenParts | None = None
        self._order: Order | None = None
        self._is_taken = False
        self._watch = self._make_watch()
        self._listen()
        self._goal = self.create_publisher(PolicyGoal, "policy/goal", **overridable(COMMAND))
        self._action = ActionServer(
            self, Sort, "sort", self._execute, goal_callback=self._on_order, cancel_callback=self._on_cancel
        )
        self._heartbeat = Heartbeat(self, self._health)
        self._timer = self.create_timer(1 / TICK_HZ, self._on_tick, clock=period_clock(self))

    def last_word(self) -> None:
        """The arm holds; the order at work fails."""
        if self._order:
            self._order.sorter.cancel("the sorter was stopped")
            self._on_tick()

    def _declare(self) -> None:
        declare_bundle(self)
        watched = [SIMULATED_ROBOT, "detector", "policy"]
        self.declare_parameter(
            "watched_nodes", watched, text("Nodes whose heartbeats an order needs", read_only=True)
        )
        self.declare_parameter(
            "silent_after_s", 3.0, number("An order fails when a node is silent for so long", 0.2, 60.0)
        )

    def _make_watch(self) -> Watch:
        nodes = list(self.get_parameter("watched_nodes").value)
        # A real arm's driver has no name that we know.
        self._robot = SIMULATED_ROBOT if SIMULATED_ROBOT in nodes else "robot"
        topics = (
            (self._robot, "current_pose"),
            (self._robot, "camera_info"),
            ("detector", "detections"),
            ("detector", LABELS),
            ("policy", "status"),
        )
        heartbeats = ((node, HEARTBEAT) for node in nodes)
        patience_s = float(self.get_parameter("silent_after_s").value)
        return Watch((*topics, *heartbeats), patience_s, time.monotonic())

    def _listen(self) -> None:
        for kind, topic, callback, qos in (
            (PoseStamped, "current_pose", self._on_pose, NEWEST),
            (CameraInfo, "camera/camera_info", self._on_camera_info, NEWEST),
            (PolicyStatus, "policy/status", self._on_status, COMMAND),
        ):
            self.create_subscription(kind, topic, callback, **overridable(qos))
        self.create_subscription(
            DiagnosticArray, DIAGNOSTICS, self._on_diagnostics, **overridable(HEARTBEATS)
        )

    def _on_pose(self, message: PoseStamped) -> None:
        self._hear(self._robot, "current_pose")
        self._pose = message

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._hear(self._robot, "camera_info")
        try:
            self._camera = self._camera.with_matrix(message.k, message.width, message.height)
        except BadInput as error:
            self.get_logger().error(str(error), throttle_duration_sec=5.0)

    def _on_seen(self, seen: Seen) -> None:
        self._hear("detector", LABELS)
        if self._order:
            message, labels = seen.detections, seen.labels
            known = _named(detections_from(message), labels)
            if dropped := len(message.detections) - len(known):
                self.get_logger().warning(
                    f"{dropped} of {len(message.detections)} detections left out: malformed, or of no known class",
                    throttle_duration_sec=5.0,
                )
            parts = locate(known, labels, self._camera, self._layout)
            self._seen = SeenParts(stamp_s(message.header), parts)

    def _on_status(self, message: PolicyStatus) -> None:
        self._hear("policy", "status")
        self._status = message

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self._hear(status.name, HEARTBEAT)

    def _hear(self, node: str, what: str) -> None:
        self._watch.hear(node, what, time.monotonic())

    def _on_order(self, goal: Sort.Goal) -> GoalResponse:
        if self._is_taken:
            self.get_logger().warning(f"order {goal.order_id} refused: another one is at work")
            return GoalResponse.REJECT
        self._is_taken = True
        return GoalResponse.ACCEPT

    def _on_cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        return CancelResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> Sort.Result:
        """Wait until the ticks have brought the order to its end."""
        goal = handle.request
        try:
            sorter = Sorter(self._layout, _lines(goal), goal.bin)
        except BadInput as error:
            self._is_taken = False
            handle.abort()
            return Sort.Result(success=False, sorted=0, message=str(error))
        self.get_logger().info(f"order {goal.order_id}: {sorter.requested} parts into bin {goal.bin}")
        self._seen = None
        self._watch.begin(time.monotonic())
        self._order = Order(handle, sorter, Future())
        return await self._order.ended

    def _on_tick(self) -> None:
        if (order := self._order) is None:
            return
        silent = self._watch.silent(time.monotonic())
        if order.handle.is_cancel_requested:
            order.sorter.cancel("cancelled")
        elif silent:
            order.sorter.cancel(silent)
        tick = order.sorter.tick(now_s(self), self._robot_state(), self._seen)
        self._goal.publish(self._goal_message(tick.goal))
        self._tell(order)
        if order.sorter.finished:
            self._end(order)

    def _robot_state(self) -> RobotState | None:
        """The arm as pose and policy last described it; as old as the older of both."""
        if self._pose is None or self._status is None:
            return None
        position = self._pose.pose.position
        return RobotState(
            stamp_s=min(stamp_s(self._pose.header), stamp_s(self._status.header)),
            gripper_base_m=(position.x, position.y, position.z),
            opening_m=self._status.opening_m,
            grasped=self._status.grasped,
        )

    def _goal_message(self, goal: Goal) -> PolicyGoal:
        return PolicyGoal(
            header=header_now(self, FRAME),
            mode=int(goal.mode),
            target=_point(goal.target_base_m),
            place=_point(goal.place_base_m),
            opening_m=float(goal.opening_m),
        )

    def _tell(self, order: Order) -> None:
        """Feedback when something changed, and every now and then."""
        sorter = order.sorter
        now = (sorter.phase, sorter.sorted, sorter.part, sorter.message)
        order.ticks += 1
        if now == order.told and order.ticks % FEEDBACK_EVERY_TICKS:
            return
        order.told = now
        phase, count, part, message = now
        order.handle.publish_feedback(
            Sort.Feedback(phase=phase, sorted=count, requested=sorter.requested, part=part, message=message)
        )

    def _end(self, order: Order) -> None:
        self._order, self._is_taken = None, False
        sorter = order.sorter
        if sorter.success:
            order.handle.succeed()
        elif order.handle.is_cancel_requested:
            order.handle.canceled()
        else:
            order.handle.abort()
        self.get_logger().info(f"order {order.handle.request.order_id}: {sorter.phase}, {sorter.message}")
        order.ended.set_result(
            Sort.Result(success=sorter.success, sorted=sorter.sorted, message=sorter.message)
        )

    def _health(self) -> Health:
        sorter = self._order.sorter if self._order else None
        values = {"order": self._order.handle.request.order_id if self._order else ""}
        if wanting := self._detector.wanting:
            return Health(WARN, wanting, values=values)
        return Health(
            message=f"{sorter.phase}: {sorter.message}" if sorter else "waits for an order", values=values
        )


def _named(detections: Detections, labels: Labels) -> Detections:
    """Without classes that nobody has named."""
    return detections.rows((detections.class_ids >= 0) & (detections.class_ids < len(labels)))


def _lines(goal: Sort.Goal) -> list[OrderLine]:
    """Raises BadInput where parts and quantities do not pair up."""
    if len(goal.parts) != len(goal.quantities):
        raise BadInput(
            where="the order: quantities",
            got=f"{len(goal.quantities)} for {len(goal.parts)} parts",
            wanted="one for each part",
            next_step="correct the order and send it again",
        )
    return [OrderLine(label, int(count)) for label, count in zip(goal.parts, goal.quantities, strict=True)]


def _point(values: Point) -> PointMessage:
    x, y, z = (float(value) for value in np.asarray(values))
    return PointMessage(x=x, y=y, z=z)


def main() -> None:
    """The executable `sorter_node`."""
    run_node(SorterNode, SorterNode.last_word)
