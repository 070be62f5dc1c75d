"""A process that plays the arm for a running policy node; one line of JSON at its end.

Started by `trunnion.bench.policy` in the environment of the cell. First it lets the node work undisturbed and notes the
stamps of its commands; then it cuts one input after another and notes how late the node holds.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import cycle, islice
from threading import Thread

import rclpy
from geometry_msgs.msg import Point, PoseStamped, TwistStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from trunnion_interfaces.msg import PolicyGoal, PolicyStatus

SPOKEN_EVERY_S = 0.01
INPUTS = ("pose", "joints", "goal")
_PATIENCE_S = 5.0
_HERE = Point(x=0.5, y=0.0, z=0.2)
_FINGERS = ["panda_finger_joint1", "panda_finger_joint2"]


class Probe(Node):  # type: ignore[misc]
    """An arm that stands still and says so; each of its inputs can be cut."""

    def __init__(self) -> None:
        super().__init__("policy_probe", namespace="/cell")
        newest, kept = QoSProfile(depth=1), QoSProfile(depth=50)
        self.speaks = dict.fromkeys(INPUTS, True)
        self.last_s = dict.fromkeys(INPUTS, 0.0)
        self.command_stamps_s: list[float] = []
        self.status = (0.0, PolicyGoal.HOLD)
        self.first_hold_s: float | None = None
        self._pose = self.create_publisher(PoseStamped, "current_pose", newest)
        self._joints = self.create_publisher(JointState, "joint_states", newest)
        self._goal = self.create_publisher(PolicyGoal, "policy/goal", newest)
        self.create_subscription(TwistStamped, "servo/delta_twist_cmds", self._on_command, kept)
        self.create_subscription(PolicyStatus, "policy/status", self._on_status, kept)
        self.create_timer(SPOKEN_EVERY_S, self._speak)

    def until(self, mode: int) -> bool:
        """Wait until the node is in this mode; False when it does not come to it."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while self.status[1] != mode:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.005)
        return True

    def cut(self, name: str) -> float | None:
        """Seconds from the stamp of the last input to that of the first status that holds; None without one."""
        self.first_hold_s = None
        self.speaks[name] = False
        held = self.until(PolicyGoal.HOLD)
        late_s = self.first_hold_s - self.last_s[name] if held and self.first_hold_s else None
        self.speaks[name] = True
        if not self.until(PolicyGoal.MOVE):
            sys.exit(f"the policy node did not move again after {name} had been cut")
        return late_s

    def _speak(self) -> None:
        stamp = self.get_clock().now().to_msg()
        for name in INPUTS:
            if self.speaks[name]:
                self.last_s[name] = stamp.sec + stamp.nanosec / 1e9
                getattr(self, f"_say_{name}")(stamp)

    def _say_pose(self, stamp: object) -> None:
        message = PoseStamped()
        message.header.stamp, message.header.frame_id, message.pose.position = stamp, "base", _HERE
        self._pose.publish(message)

    def _say_joints(self, stamp: object) -> None:
        message = JointState(name=_FINGERS, position=[0.03, 0.03])
        message.header.stamp = stamp
        self._joints.publish(message)

    def _say_goal(self, stamp: object) -> None:
        message = PolicyGoal(mode=PolicyGoal.MOVE, target=_HERE, place=_HERE, opening_m=0.08)
        message.header.stamp = stamp
        self._goal.publish(message)

    def _on_command(self, message: TwistStamped) -> None:
        self.command_stamps_s.append(message.header.stamp.sec + message.header.stamp.nanosec / 1e9)

    def _on_status(self, message: PolicyStatus) -> None:
        stamp_s = message.header.stamp.sec + message.header.stamp.nanosec / 1e9
        if message.mode == PolicyGoal.HOLD and self.first_hold_s is None:
            self.first_hold_s = stamp_s
        self.status = (stamp_s, message.mode)


def main(steady_s: float, cuts: int) -> None:
    """Stamps of the commands while nothing is cut, then how late each cut made the node hold."""
    rclpy.init()
    probe = Probe()
    executor = SingleThreadedExecutor()
    executor.add_node(probe)
    spinning = Thread(target=executor.spin, daemon=True)
    spinning.start()
    if not probe.until(PolicyGoal.MOVE):
        sys.exit("the policy node never moved the arm")
    probe.command_stamps_s.clear()
    time.sleep(steady_s)
    stamps_s = list(probe.command_stamps_s)
    late_s = [(name, probe.cut(name)) for name in islice(cycle(INPUTS), cuts)]
    executor.shutdown()
    # A thread that still spins while the interpreter ends aborts the process.
    spinning.join()
    rclpy.try_shutdown()
    print(json.dumps({"stamps_s": stamps_s, "late_s": late_s}))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
