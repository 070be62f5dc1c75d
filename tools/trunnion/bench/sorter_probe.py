"""A sorter that takes almost no time, on the ROS action of the real one: `sorter_probe JOURNAL ORDER_S`.

The id of each order stands in the journal before the order is begun, whatever then becomes of this process.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
from trunnion_interfaces.action import Sort

_HEARTBEAT_S = 0.5


class FastSorter(Node):
    """One order at a time, like the real one."""

    def __init__(self, journal: Path, order_s: float) -> None:
        super().__init__("sorter", namespace="/cell")
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._order_s = order_s
        self._is_busy = False
        group = ReentrantCallbackGroup()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(_HEARTBEAT_S, self._beat, group)
        self._server = ActionServer(
            self,
            Sort,
            "sort",
            self._sort,
            goal_callback=self._on_goal,
            cancel_callback=lambda _: CancelResponse.REJECT,
            callback_group=group,
        )

    def _on_goal(self, _: Sort.Goal) -> GoalResponse:
        if self._is_busy:
            return GoalResponse.REJECT
        self._is_busy = True
        return GoalResponse.ACCEPT

    def _sort(self, handle) -> Sort.Result:
        goal = handle.request
        os.write(self._journal, f"{goal.order_id}\n".encode())  # in one piece, and the kernel's from then on
        asked = sum(goal.quantities)
        handle.publish_feedback(
            Sort.Feedback(phase="look", part=goal.parts[0], requested=asked, message="at it")
        )
        time.sleep(self._order_s)
        self._is_busy = False
        handle.succeed()
        return Sort.Result(success=True, sorted=asked, message=f"{asked} parts lie in bin {goal.bin}")

    def _beat(self) -> None:
        status = DiagnosticStatus(level=DiagnosticStatus.OK, name="sorter", message="works")
        self._diagnostics.publish(DiagnosticArray(status=[status]))


def main() -> None:
    """Sort until a signal comes."""
    rclpy.init()
    executor = MultiThreadedExecutor(num_threads=3)
    executor.add_node(FastSorter(Path(sys.argv[1]), float(sys.argv[2])))
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        executor.spin()


if __name__ == "__main__":
    main()
