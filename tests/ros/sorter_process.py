"""The sorter with the cell around it, each node a process: how the tests start it and order parts."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from rclpy.action import ActionClient
from trunnion_interfaces.action import Sort

from trunnion_bringup.table import CellSettings, NodeEntry, cell_nodes

NODES = ("simulated_robot", "detector", "policy", "sorter")


def sorting_entries(bundle: Path, **detector: Any) -> list[NodeEntry]:
    """The rows of the cell without its bridge; the detector is sensitive, and has these parameters too."""
    entries = {e.name: e for e in cell_nodes(CellSettings(bundle=str(bundle), data_dir="/none"))}
    parameters = {**entries["detector"].parameters, "confidence_threshold": 0.1, **detector}
    entries["detector"] = dataclasses.replace(entries["detector"], parameters=parameters)
    return [entries[name] for name in NODES]


@dataclasses.dataclass
class Orders:
    """A client of the sorter that keeps what it is told."""

    graph: Any
    client: ActionClient
    feedback: list[Sort.Feedback]

    @classmethod
    def to_sorter(cls, graph: Any) -> Orders:
        """Orders that reach the sorter."""
        client = ActionClient(graph.node, Sort, "sort")
        graph.until(client.server_is_ready, "sorter's action server")
        orders = cls(graph, client, [])
        orders.say_hello()
        return orders

    def send(
        self, parts: tuple[str, ...] = ("gear",), quantities: tuple[int, ...] = (1,), bin_name: str = "B"
    ) -> Any:
        """The goal's handle."""
        goal = Sort.Goal(order_id="7", parts=list(parts), quantities=list(quantities), bin=bin_name)
        self.feedback.clear()
        future = self.graph.send_goal(
            self.client, goal, lambda message: self.feedback.append(message.feedback)
        )
        return self.graph.wait(future, "answer to an order")

    def say_hello(self) -> None:
        """Send what is refused until an answer comes: the first ones may be lost while both sides still meet."""
        for _ in range(10):
            future = self.graph.send_goal(self.client, Sort.Goal(order_id="hello"))
            deadline_s = time.monotonic() + 2
            while not future.done() and time.monotonic() < deadline_s:
                time.sleep(0.01)
            if future.done():
                self.result(future.result())
                return
        raise AssertionError("the sorter does not answer")

    def result(self, handle: Any, timeout_s: float = 20.0) -> Any:
        """Status and result."""
        return self.graph.wait(handle.get_result_async(), "result", timeout_s)

    def until_phase(self, phase: str, timeout_s: float = 20.0) -> None:
        """Wait for feedback."""
        deadline_s = time.monotonic() + timeout_s
        while not any(feedback.phase == phase for feedback in list(self.feedback)):
            assert time.monotonic() < deadline_s, f"no phase {phase}: {self.feedback[-1:]}"
            time.sleep(0.01)
