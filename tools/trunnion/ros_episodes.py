"""A process that has the running cell play episodes of a proof: a line of JSON for each, in and out.

Started by `trunnion.in_ros` in the environment of the cell. A line in is `{"scenario": ..., "seed": ...}`; the line out
says whether the bins hold what was ordered, why not, and how long it took in simulated seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import rclpy
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger
from trunnion_interfaces.action import Sort
from trunnion_interfaces.srv import LayOutEpisode

from trunnion_inference.clocks import now_s
from trunnion_sim.episode import TIME_MAX_PER_PART_S

_PATIENCE_S = 30.0


class Prover(Node):  # type: ignore[misc]
    """Lays an episode out, orders, waits for the end, and looks into the bins."""

    def __init__(self) -> None:
        simulated = [Parameter("use_sim_time", value=True)]
        super().__init__("prover", namespace="/cell", parameter_overrides=simulated)
        self._lay_out = self.create_client(LayOutEpisode, "simulated_robot/lay_out_episode")
        self._verdict = self.create_client(Trigger, "simulated_robot/verdict")
        self._sort = ActionClient(self, Sort, "sort")

    def play(self, scenario: dict[str, Any], seed: int) -> dict[str, Any]:
        """One episode; plain data."""
        request = LayOutEpisode.Request(scenario=json.dumps(scenario), seed=seed)
        task = self._answer(self._lay_out, request)
        if not task.ok:
            raise RuntimeError(task.message)
        began_s = now_s(self)
        finished, message = self._carry_out(task, began_s, f"{scenario['name']} {seed}")
        time_s = now_s(self) - began_s
        verdict = self._answer(self._verdict, Trigger.Request())
        success = bool(finished and verdict.success)
        reason = "" if success else message or verdict.message
        return {"success": success, "reason": reason, "time_s": round(time_s, 3)}

    def _carry_out(self, task: LayOutEpisode.Response, began_s: float, order_id: str) -> tuple[bool, str]:
        """Whether the sorter says that it is done, and what it says if it is not."""
        self._until(self._sort.server_is_ready, "the sorter")
        goal = Sort.Goal(order_id=order_id, parts=task.parts, quantities=task.quantities, bin=task.bin)
        sent = self._sort.send_goal_async(goal)
        self._until(sent.done, "an answer of the sorter")
        handle = sent.result()
        if not handle.accepted:
            raise RuntimeError("the sorter refused the order")
        result = handle.get_result_async()
        time_max_s = TIME_MAX_PER_PART_S * sum(task.quantities)
        while not result.done() and now_s(self) - began_s < time_max_s:
            rclpy.spin_once(self, timeout_sec=0.05)
        in_time = result.done()
        if not in_time:
            handle.cancel_goal_async()
            self._until(result.done, "the end of a cancelled order")
        ended = result.result()
        if not in_time:
            return False, f"not finished in time: {ended.result.message}"
        return ended.status == GoalStatus.STATUS_SUCCEEDED, ended.result.message

    def _answer(self, client: Any, request: Any) -> Any:
        self._until(client.service_is_ready, client.srv_name)
        future = client.call_async(request)
        self._until(future.done, f"an answer of {client.srv_name}")
        return future.result()

    def _until(self, condition: Callable[[], object], what: str) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"no sign of {what} within {_PATIENCE_S:g} s")
            rclpy.spin_once(self, timeout_sec=0.02)


def main() -> None:
    """Play until stdin ends."""
    rclpy.init()
    prover = Prover()
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(prover.play(job["scenario"], job["seed"])), flush=True)
    prover.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
