"""Publishes numbered 640x480 frames at 30 Hz, best effort, once somebody listens: `camera_source.py COUNT`."""

from __future__ import annotations

import array
import sys
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

WIDTH, HEIGHT, PERIOD_S = 640, 480, 1 / 30


def main(count: int) -> None:
    rclpy.init()
    node = rclpy.create_node("camera_source")
    publisher = node.create_publisher(Image, "camera/image_raw", qos_profile_sensor_data)
    image = Image(width=WIDTH, height=HEIGHT, step=3 * WIDTH, encoding="bgr8")
    image.data = array.array("B", bytes(3 * WIDTH * HEIGHT))
    deadline_s = time.monotonic() + 20
    while publisher.get_subscription_count() == 0 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    time.sleep(0.5)  # the other side learns of the match a little later
    start_s = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, start_s + number * PERIOD_S - time.monotonic()))
        image.header.frame_id = str(number)
        publisher.publish(image)
    time.sleep(1.0)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
