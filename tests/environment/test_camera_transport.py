"""Camera frames arrive whole: Fast DDS's defaults lose most of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

FRAMES = 90  # three seconds at 30 Hz
SOURCE = Path(__file__).with_name("camera_source.py")


@pytest.fixture
def context() -> Iterator[rclpy.Context]:
    context = rclpy.Context()
    context.init()
    yield context
    context.shutdown()


def receive(context: rclpy.Context, source: subprocess.Popen[bytes], within_s: float) -> list[int]:
    """Numbers of the frames that arrived until `source` ended."""
    numbers: list[int] = []
    node = rclpy.create_node("camera_listener", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def note(image: Image) -> None:
        assert len(image.data) == image.step * image.height
        numbers.append(int(image.header.frame_id))

    node.create_subscription(Image, "camera/image_raw", note, qos_profile_sensor_data)
    deadline_s = time.monotonic() + within_s
    while source.poll() is None and time.monotonic() < deadline_s:
        executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    node.destroy_node()
    return numbers


def test_no_camera_frame_is_lost_between_two_processes(
    context: rclpy.Context, ros_process_environment: dict[str, str]
) -> None:
    with subprocess.Popen([sys.executable, SOURCE, str(FRAMES)], env=ros_process_environment) as source:
        numbers = receive(context, source, within_s=40)
        assert source.wait(timeout=10) == 0
    assert numbers == list(range(FRAMES))
