"""What the middleware takes: frames to a process that answers each with nothing detected; one line of JSON at its end.

Started by `trunnion.bench.node` in the environment of the cell, with the number of frames. No detector in Python can
answer sooner.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from trunnion.bench.frame_probe import RATE_HZ, Probe, paced
from trunnion_inference.serialized_images import read_image

_WARM_UP = 25
_ECHO = "echo"


def echo() -> None:
    """Answer frames until a signal comes."""
    rclpy.init()
    node = rclpy.create_node("echo", namespace="/cell")
    answers = node.create_publisher(Detection2DArray, "detections", 5)

    def answer(frame: bytes) -> None:
        answers.publish(Detection2DArray(header=read_image(frame).header))

    node.create_subscription(Image, "camera/image_raw", answer, qos_profile_sensor_data, raw=True)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


def main(frames: int) -> None:
    """Frames at the rate of those that a detector is shown."""
    with _echoing():
        rclpy.init()
        probe = Probe()
        probe.wait_until_matched()
        seconds = paced(_WARM_UP + frames, RATE_HZ, probe.show)[_WARM_UP:]
        probe.destroy_node()
        rclpy.shutdown()
    print(json.dumps({"echoed_s": [second for second in seconds if second is not None]}))


@contextmanager
def _echoing() -> Iterator[None]:
    command = [sys.executable, "-m", "trunnion.bench.echo_probe", _ECHO]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    echo() if sys.argv[1] == _ECHO else main(int(sys.argv[1]))
