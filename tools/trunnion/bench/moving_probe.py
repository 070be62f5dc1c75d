"""A robot that moves: what the bridge shows of one changes twenty times a second, until stdin ends.

Started by `trunnion.bench.bridge` in the environment of the cell. A line comes once somebody hears it.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesis, ObjectHypothesisWithPose

_RATE_HZ = 20
_PARTS = 10
_JOINTS = [f"panda_joint{index}" for index in range(1, 8)]


def part(index: int) -> Detection2D:
    """Something that the detector sees."""
    seen = Detection2D()
    seen.bbox.center.position.x, seen.bbox.center.position.y = 20.0 * index, 15.0 * index
    seen.bbox.size_x = seen.bbox.size_y = 24.0
    hypothesis = ObjectHypothesis(class_id="0", score=0.9)
    seen.results = [ObjectHypothesisWithPose(hypothesis=hypothesis)]
    return seen


def main() -> None:
    """Publish until stdin ends."""
    rclpy.init()
    node = rclpy.create_node("moving", namespace="/cell")
    poses = node.create_publisher(PoseStamped, "current_pose", qos_profile_sensor_data)
    joints = node.create_publisher(JointState, "joint_states", qos_profile_sensor_data)
    detections = node.create_publisher(Detection2DArray, "detections", 5)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    is_heard = False
    while not ended.wait(1 / _RATE_HZ):
        if not is_heard and poses.get_subscription_count():
            is_heard = True
            print(json.dumps("heard"), flush=True)
        pose = PoseStamped()
        pose.header.stamp = node.get_clock().now().to_msg()
        pose.pose.position.x = time.monotonic() % 1
        poses.publish(pose)
        joints.publish(JointState(name=_JOINTS, position=[pose.pose.position.x] * len(_JOINTS)))
        detections.publish(
            Detection2DArray(header=pose.header, detections=[part(index) for index in range(_PARTS)])
        )
    rclpy.shutdown()


if __name__ == "__main__":
    main()
