"""A process that hears from a running detector how long it took to become active; one line of JSON at its end."""

from __future__ import annotations

import json
import sys
import time

import rclpy
from diagnostic_msgs.msg import DiagnosticArray

_PATIENCE_S = 10.0


def main() -> None:
    """The detector's own word, from its heartbeat."""
    rclpy.init()
    node = rclpy.create_node("start_probe", namespace="/cell")
    said: dict[str, str] = {}

    def hear(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == "detector":
                said.update({value.key: value.value for value in status.values})

    node.create_subscription(DiagnosticArray, "/diagnostics", hear, 10)
    deadline_s = time.monotonic() + _PATIENCE_S
    while "active_after_s" not in said:
        if time.monotonic() > deadline_s:
            sys.exit("the detector did not say how long it took to become active")
        rclpy.spin_once(node, timeout_sec=0.1)
    node.destroy_node()
    rclpy.shutdown()
    print(json.dumps({"active_after_s": said["active_after_s"]}))


if __name__ == "__main__":
    main()
