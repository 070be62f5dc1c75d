"""Lays out the simulated robot's tray anew, once there is one: `python -m trunnion.bench.order_soak.refill`."""

from __future__ import annotations

import rclpy
from std_srvs.srv import Trigger

_SERVICE = "/cell/simulated_robot/reset"
_ANSWER_WITHIN_S = 5.0


def main() -> None:
    """Ask until a robot answers: one that is killed in between never does."""
    rclpy.init()
    node = rclpy.create_node("refill")
    client = node.create_client(Trigger, _SERVICE)
    asked = None
    while asked is None or asked.result() is None:
        if client.wait_for_service(_ANSWER_WITHIN_S):
            asked = client.call_async(Trigger.Request())
            rclpy.spin_until_future_complete(node, asked, timeout_sec=_ANSWER_WITHIN_S)


if __name__ == "__main__":
    main()
