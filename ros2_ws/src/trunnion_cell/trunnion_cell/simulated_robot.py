"""The simulated robot: PyBullet behind the topics of a real arm and camera; only this ROS file knows the simulator."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Float64, Header
from std_srvs.srv import Trigger

from trunnion_cell.command import Command
from trunnion_cell.real_time import RealTime
from trunnion_cell.robot_messages import camera_info_message, joint_message, pose_message
from trunnion_edge.camera import PinholeCamera
from trunnion_edge.telemetry import Timings
from trunnion_inference.clocks import steady_clock
from trunnion_inference.heartbeat import WARN, Health, Heartbeat
from trunnion_inference.images import image_message
from trunnion_inference.parameters import number, whole
from trunnion_inference.process import run_node
from trunnion_inference.qos import COMMAND, NEWEST, RESULTS, overridable
from trunnion_inference.robot_bundle import cell_of, declare_bundle, open_named_bundle
from trunnion_sim.camera_process import CameraProcess
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.contents import Contents, RandomParts
from trunnion_sim.robot import JOINT_NAMES, JointStates
from trunnion_sim.world import PHYSICS_HZ

STATE_HZ = 50
BASE, CAMERA = "base", "camera_optical"


class SimulatedRobot(Node):
    """Steps physics in real time on one thread; a process of their own draws the pictures and is never waited for."""

    def __init__(self) -> None:
        super().__init__("simulated_robot")
        self._declare()
        self._layout = cell_of(open_named_bundle(self))
        self._camera = PinholeCamera.from_layout(self._layout.camera)
        self._opened = ExitStack()
        self._drawing = self._opened.enter_context(CameraProcess(self._layout))
        self._cell = self._opened.enter_context(SimulatedCell(self._layout))
        self._resets, self._simulated_s = 0, 0.0
        self._lay_out()
        self._time = RealTime(PHYSICS_HZ * self._speed())
        self._ticks_per_picture = max(1, round(STATE_HZ / self._value("camera_hz")))
        self._ticks, self._picture_is_due = 0, False
        self._tick_time, self._picture_time = Timings(), Timings()
        self._dropped_before_s = 0.0
        self._advertise()
        self._listen()
        self._drawing.first_picture(self._cell)
        self._heartbeat = Heartbeat(self, self._health)
        self._timer = self.create_timer(1 / STATE_HZ / self._speed(), self._on_tick, clock=steady_clock())

    def last_word(self) -> None:
        """Nothing stays behind."""
        self._opened.close()

    def _declare(self) -> None:
        declare_bundle(self)
        self.declare_parameter("seed", 0, whole("Which parts lie in the tray, and where", 0, 2**31 - 1))
        self.declare_parameter(
            "parts_of_each_class", 3, whole("How many parts of each class lie in the tray", 0, 20)
        )
        self.declare_parameter("camera_hz", 10.0, number("Pictures per second", 0.1, float(STATE_HZ)))
        self.declare_parameter(
            "command_timeout_ms",
            150.0,
            number("Without a command for so long the arm stands still", 20.0, 5000.0),
        )

    def _advertise(self) -> None:
        def publisher(kind: type, topic: str, qos: object = RESULTS) -> object:
            return self.create_publisher(kind, topic, **overridable(qos))

        self._joints = publisher(JointState, "joint_states")
        self._pose = publisher(PoseStamped, "current_pose")
        self._image = publisher(Image, "camera/image_raw", NEWEST)
        self._camera_info = publisher(CameraInfo, "camera/camera_info", NEWEST)

    def _listen(self) -> None:
        self.create_subscription(
            TwistStamped, "servo/delta_twist_cmds", self._on_twist, **overridable(COMMAND)
        )
        self.create_subscription(Float64, "gripper/opening_cmd", self._on_opening, **overridable(COMMAND))
        self.create_service(Trigger, "~/reset", self._on_reset)

    def _on_twist(self, message: TwistStamped) -> None:
        if message.header.frame_id not in ("", BASE):
            self.get_logger().error(
                f"servo/delta_twist_cmds: got frame '{message.header.frame_id}', wanted '{BASE}'. "
                "Next: command in that frame; the command is ignored",
                throttle_duration_sec=5.0,
            )
            return
        linear = message.twist.linear
        self._command.tell((linear.x, linear.y, linear.z), self._now_s())

    def _on_opening(self, message: Float64) -> None:
        if np.isfinite(message.data):
            self._command.opening_m = float(np.clip(message.data, 0.0, self._layout.limits.opening_max_m))

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = True, self._lay_out()
        return response

    def _rest(self) -> None:
        """No command stands."""
        self._command = Command(self._layout.limits.opening_max_m, self._value("command_timeout_ms") / 1e3)

    def _lay_out(self) -> str:
        """Lay out parts that follow from the seed and from how often it was done before; say which."""
        # Class by class in turn: where the tray is too small for all, no class misses out.
        labels = tuple(self._layout.part_heights_m) * int(self._value("parts_of_each_class"))
        contents = RandomParts(labels, (int(self._value("seed")), self._resets))
        self._resets += 1
        self._put(contents)
        counts = Counter(part.kind.label for part in self._cell.parts)
        text = ", ".join(f"{count} {label}" for label, count in counts.items())
        self.get_logger().info(f"in the tray: {text}")
        return text

    def _put(self, contents: Contents) -> None:
        """Lay out the cell, and the one that is drawn."""
        contents.lay_out(self._cell)
        self._drawing.lay_out(contents)
        self._rest()

    def _speed(self) -> float:
        """Simulated seconds in a real one."""
        return 1.0

    def _now_s(self) -> float:
        """The time by which a command stands or not."""
        return time.monotonic()

    def _moment(self, began_s: float) -> Time:
        """What is simulated now, as a stamp, however long it took to get there."""
        return (self.get_clock().now() - Duration(seconds=began_s - self._time.until_s)).to_msg()

    def _believed(self, joints: JointStates, position_base_m: np.ndarray) -> tuple[JointStates, np.ndarray]:
        """What the encoders say of joints and grasp point."""
        return joints, position_base_m

    def _send(self, publisher: Publisher, message: Any) -> None:
        """Let a message out."""
        publisher.publish(message)

    def _on_tick(self) -> None:
        began_s = time.monotonic()
        steps = self._time.due(began_s)
        self._simulated_s += steps / PHYSICS_HZ
        stamp = self._moment(began_s)
        if steps:
            velocity = self._command.velocity_base_mps(self._now_s())
            self._cell.step(velocity, self._command.opening_m, steps / PHYSICS_HZ)
        self._publish_state(Header(stamp=stamp, frame_id=BASE))
        self._tick_time.add((time.monotonic() - began_s) * 1e3)
        self._ticks += 1
        self._picture_is_due |= self._ticks % self._ticks_per_picture == 0
        self._publish_picture()
        if self._picture_is_due and self._drawing.ask(self._cell):
            self._picture_is_due, self._asked_s = False, began_s
            self._asked = Header(stamp=stamp, frame_id=CAMERA)

    def _publish_state(self, header: Header) -> None:
        joints, position = self._believed(self._cell.joint_states(), self._cell.grasp_point_base_m())
        message = joint_message(JOINT_NAMES, joints.positions, joints.velocities, joints.efforts, header)
        self._send(self._joints, message)
        self._send(self._pose, pose_message(position, self._cell.robot.grasp_orientation_xyzw(), header))

    def _publish_picture(self) -> None:
        """The picture that is done, if one is, under the time at which it was asked for."""
        image_bgr = self._drawing.picture()
        if image_bgr is None:
            return
        self._picture_time.add((time.monotonic() - self._asked_s) * 1e3)
        self._send(self._image, image_message(image_bgr, self._asked))
        self._send(self._camera_info, camera_info_message(self._camera, self._asked))

    def _health(self) -> Health:
        values = {
            "dropped_s": f"{self._time.dropped_s:.2f}",
            "holds": str(self._command.holds(self._now_s())),
        }
        for name, timings in (("tick", self._tick_time), ("picture", self._picture_time)):
            values |= {
                f"{name}_{key}": f"{value:.2f}" for key, value in timings.summary().items() if key != "count"
            }
        dropped_s, self._dropped_before_s = (
            self._time.dropped_s - self._dropped_before_s,
            self._time.dropped_s,
        )
        if dropped_s > 0.1:
            return Health(
                WARN, f"this machine is too slow: {dropped_s:.1f} s were not simulated", values=values
            )
        return Health(values=values)

    def _value(self, name: str) -> float:
        return self.get_parameter(name).value


def main() -> None:
    """The executable `simulated_robot_node`."""
    run_node(SimulatedRobot, SimulatedRobot.last_word)
