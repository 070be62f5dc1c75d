"""A cell on real ROS 2 without physics: publishes what a robot, a detector and a policy publish, and sorts by drawing.

Reads commands from stdin, one a line: `silence NODE`, `wake NODE`, `sorter {quick,steady,slow,deaf,fail,refuse}`,
`battery PERCENT`, `restock` (sorts what it took on to its end, then fills the tray), `executed` (the answer is the ids
of all orders that it ever began).
"""

from __future__ import annotations

import array
import json
import math
import sys
import threading
import time

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import BatteryState, Image, JointState
from trunnion_interfaces.action import Sort
from trunnion_interfaces.msg import PolicyGoal, PolicyStatus
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesis, ObjectHypothesisWithPose

LABELS = ("gear", "bolt", "nut")
NODES = ("simulated_robot", "detector", "policy", "sorter")
GEARS, BOLTS, NUTS = ((118, 84), (205, 150)), ((160, 118), (126, 160)), ((200, 88), (172, 165))
PARTS = [(label, *at) for label, places in zip(LABELS, (GEARS, BOLTS, NUTS), strict=True) for at in places]
PART_S = {"quick": 0.2, "steady": 1.0, "slow": 3.0, "fail": 0.2, "deaf": 3.0}
HOME_PX, BIN_B_PX = (48.0, 115.0), (272.0, 115.0)
PIXELS_PER_M = 496  # the camera looks down on the tray from 0.95 m
# As the nodes of a cell say what they run.
MODEL_VALUES = {
    "detector": [
        KeyValue(key=key, value=value)
        for key, value in {
            "model": "other",
            "version": "0.2.0",
            "digest": "ab" * 32,
            "precision": "int8",
        }.items()
    ],
    "policy": [KeyValue(key="model", value=f"other 0.2.0 {'ab' * 6}")],
}
HALF_PX = {"gear": 14, "bolt": 11, "nut": 10}


class Cell(Node):
    """All of the cell in one node; heartbeats go out under four names."""

    def __init__(self) -> None:
        super().__init__("stand_in", namespace="/cell")
        self.silent: set[str] = set()
        self.way = "quick"
        self.left = list(PARTS)
        self.at_px = HOME_PX
        self.busy = False
        self.taken_on: list[str] = []
        self.executed: list[str] = []
        self.battery_percent: float | None = None
        group = ReentrantCallbackGroup()
        self._pose = self.create_publisher(PoseStamped, "current_pose", qos_profile_sensor_data)
        self._joints = self.create_publisher(JointState, "joint_states", qos_profile_sensor_data)
        self._image = self.create_publisher(Image, "camera/image_raw", qos_profile_sensor_data)
        self._detections = self.create_publisher(Detection2DArray, "detections", 5)
        self._status = self.create_publisher(PolicyStatus, "policy/status", 5)
        self._battery = self.create_publisher(BatteryState, "battery_state", qos_profile_sensor_data)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(0.02, self._publish_arm, group)
        self.create_timer(0.1, self._publish_view, group)
        self.create_timer(0.5, self._publish_heartbeats, group)
        self._server = ActionServer(
            self,
            Sort,
            "sort",
            self._sort,
            goal_callback=self._take_on,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=group,
        )

    def _publish_arm(self) -> None:
        if "simulated_robot" in self.silent:
            return
        pose = PoseStamped()
        pose.header.frame_id = "base"
        pose.pose.position.x = 0.49 + (120 - self.at_px[1]) / PIXELS_PER_M
        pose.pose.position.y = (160 - self.at_px[0]) / PIXELS_PER_M
        pose.pose.position.z = 0.12 if self.busy else 0.22
        pose.pose.orientation.x = 1.0
        self._pose.publish(pose)
        names = [f"panda_joint{i}" for i in range(1, 8)] + ["panda_finger_joint1", "panda_finger_joint2"]
        turn = math.sin(time.monotonic() / 3)
        self._joints.publish(
            JointState(name=names, position=[0.1 * turn, 0.2, 0.0, -2.0, 0.0, 2.2, 0.8, 0.03, 0.03])
        )
        mode = PolicyGoal.POLICY if self.busy else PolicyGoal.HOLD
        self._status.publish(PolicyStatus(mode=mode, grasped=self.busy, opening_m=0.06, model="cell 0.1.0"))

    def _publish_view(self) -> None:
        stamp = self.get_clock().now().to_msg()
        if "simulated_robot" not in self.silent:
            picture = draw(self.left, self.at_px)
            image = Image(
                height=240, width=320, encoding="bgr8", step=960, data=array.array("B", picture.tobytes())
            )
            image.header.stamp = stamp
            self._image.publish(image)
        if "detector" not in self.silent:
            found = Detection2DArray(detections=[detection(part) for part in self.left])
            found.header.stamp, found.header.frame_id = stamp, "camera"
            self._detections.publish(found)

    def _publish_heartbeats(self) -> None:
        status = [
            DiagnosticStatus(
                level=DiagnosticStatus.OK, name=name, message="works", values=MODEL_VALUES.get(name, [])
            )
            for name in NODES
            if name not in self.silent
        ]
        self._diagnostics.publish(DiagnosticArray(status=status))
        if self.battery_percent is not None:
            charging = BatteryState.POWER_SUPPLY_STATUS_CHARGING
            share = self.battery_percent / 100
            self._battery.publish(BatteryState(percentage=share, power_supply_status=charging))

    def _take_on(self, goal: Sort.Goal) -> GoalResponse:
        if self.way == "refuse":
            return GoalResponse.REJECT
        self.taken_on.append(goal.order_id)
        return GoalResponse.ACCEPT

    def _sort(self, handle) -> Sort.Result:
        self.busy, self.left, done = True, list(PARTS), 0
        goal = handle.request
        self.executed.append(goal.order_id)
        asked = sum(goal.quantities)
        try:
            for part, quantity in zip(goal.parts, goal.quantities, strict=True):
                for _ in range(quantity):
                    if self.way == "fail" and done == 1:
                        handle.abort()
                        return Sort.Result(success=False, sorted=done, message="the policy node fell silent")
                    if not self._bring(handle, part, done, asked):
                        handle.canceled()
                        return Sort.Result(success=False, sorted=done, message="left off, the arm holds")
                    done += 1
            handle.succeed()
            return Sort.Result(success=True, sorted=done, message=f"{done} parts lie in bin {goal.bin}")
        finally:
            self.busy, self.at_px = False, HOME_PX
            self.taken_on.remove(goal.order_id)

    def _bring(self, handle, part: str, done: int, asked: int) -> bool:
        """False when the order was cancelled."""
        here = next((item for item in self.left if item[0] == part), None)
        for phase, to_px in (
            ("look", HOME_PX),
            ("pick", here[1:] if here else (160, 118)),
            ("place", BIN_B_PX),
        ):
            says = {
                "look": f"looking for a {part}",
                "pick": f"picking a {part}",
                "place": f"placing a {part}",
            }
            handle.publish_feedback(
                Sort.Feedback(phase=phase, part=part, sorted=done, requested=asked, message=says[phase])
            )
            if not self._move(handle, to_px, PART_S[self.way] / 3):
                return False
            if phase == "place" and here in self.left:
                self.left.remove(here)
        return True

    def _move(self, handle, to_px: tuple[float, float], seconds: float) -> bool:
        from_px, begin_s = self.at_px, time.monotonic()
        while (share := (time.monotonic() - begin_s) / seconds) < 1:
            if handle.is_cancel_requested and self.way != "deaf":
                return False
            self.at_px = tuple(a + (b - a) * share for a, b in zip(from_px, to_px, strict=True))
            time.sleep(0.02)
        return True

    def restock(self) -> None:
        """Wait until nothing is left to sort, then fill the tray."""
        while self.taken_on:
            time.sleep(0.02)
        self.left = list(PARTS)
        self.battery_percent = None

    def obey(self, command: str, name: str = "") -> None:
        """Do what a line on stdin says."""
        if command == "silence":
            self.silent.add(name)
        elif command == "wake":
            self.silent.discard(name)
        elif command == "sorter":
            self.way = name
        elif command == "battery":
            self.battery_percent = float(name)
        elif command == "restock":
            self.restock()


def detection(part: tuple[str, int, int]) -> Detection2D:
    label, x, y = part
    item = Detection2D()
    item.bbox.center.position.x, item.bbox.center.position.y = float(x), float(y)
    item.bbox.size_x = item.bbox.size_y = 2.0 * HALF_PX[label] + 4
    hypothesis = ObjectHypothesis(class_id=str(LABELS.index(label)), score=0.9 + x % 10 / 100)
    item.results = [ObjectHypothesisWithPose(hypothesis=hypothesis)]
    return item


def draw(parts: list[tuple[str, int, int]], at_px: tuple[float, float]) -> np.ndarray:
    """A picture that a person recognises as the cell: uint8 [240, 320, 3] BGR."""
    rows = np.linspace(150, 128, 240)[:, None, None]
    picture = (rows * np.array([0.62, 0.78, 0.95])).repeat(320, axis=1).astype(np.uint8)
    cv2.rectangle(picture, (95, 50), (225, 180), (70, 74, 78), -1)
    cv2.rectangle(picture, (95, 50), (225, 180), (52, 55, 60), 3)
    for name, x in (("A", 14), ("B", 237)):
        cv2.rectangle(picture, (x, 66), (x + 69, 165), (92, 84, 70), -1)
        cv2.rectangle(picture, (x, 66), (x + 69, 165), (60, 54, 46), 2)
        cv2.putText(
            picture, name, (x + 26, 124), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (128, 120, 106), 2, cv2.LINE_AA
        )
    for label, x, y in parts:
        half = HALF_PX[label]
        if label == "gear":
            cv2.circle(picture, (x, y), half, (58, 132, 196), -1, cv2.LINE_AA)
            cv2.circle(picture, (x, y), 4, (70, 74, 78), -1, cv2.LINE_AA)
        elif label == "bolt":
            cv2.line(picture, (x - half, y), (x + half, y), (176, 178, 182), 7, cv2.LINE_AA)
            cv2.circle(picture, (x - half + 3, y), 7, (150, 152, 158), -1, cv2.LINE_AA)
        else:
            angles = np.arange(6) * math.pi / 3
            ring = np.stack([x + half * np.cos(angles), y + half * np.sin(angles)], 1).astype(np.int32)
            cv2.fillPoly(picture, [ring], (168, 186, 120), cv2.LINE_AA)
            cv2.circle(picture, (x, y), 5, (70, 74, 78), -1, cv2.LINE_AA)
    x, y = (int(value) for value in at_px)
    cv2.line(picture, (160, -60), (x, y), (225, 225, 228), 13, cv2.LINE_AA)
    cv2.rectangle(picture, (x - 15, y - 6), (x + 15, y + 6), (40, 40, 44), -1)
    return picture


def listen(cell: Cell) -> None:
    """Take commands until stdin closes."""
    for line in sys.stdin:
        if line.strip() == "executed":
            print(json.dumps(cell.executed), flush=True)
            continue
        cell.obey(*line.split())
        print(json.dumps({"done": line.strip()}), flush=True)


def main() -> None:
    rclpy.init()
    cell = Cell()
    executor = MultiThreadedExecutor(num_threads=3)
    executor.add_node(cell)
    threading.Thread(target=executor.spin, daemon=True).start()
    print(json.dumps({"done": "start"}), flush=True)
    listen(cell)


if __name__ == "__main__":
    main()
