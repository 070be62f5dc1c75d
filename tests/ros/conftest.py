"""Real nodes in real processes on a bundle that is small, whole and predictable, and somebody who listens to them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from builtin_interfaces.msg import Time
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import DescribeParameters, GetParameters
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Header
from tests.ros.tiny_bundle import LAYOUT, write_bundle

from trunnion_bringup.processes import Cell
from trunnion_bringup.table import NodeEntry
from trunnion_contract.cell import CellLayout
from trunnion_contract.progress import Silent

READY_WITHIN_S = 30.0
# What may be asked more than once, and how often.
QUESTIONS, ASKED_TIMES = (GetState, DescribeParameters, GetParameters), 5


@pytest.fixture(scope="session")
def cell_layout() -> CellLayout:
    return LAYOUT


@pytest.fixture(scope="session")
def bundle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose detector sees one gear, as sure as the middle of the image is bright, and whose policy goes
    straight to its target with open fingers."""
    return write_bundle(tmp_path_factory.mktemp("bundle"))


class Graph:
    """A node of the test in /cell: remembers what topics said, spins on a thread of its own."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def hear(self, kind: type, topic: str, qos: QoSProfile | int = 10) -> list[Any]:
        """Everything that the topic says from now on; it grows."""
        heard: list[Any] = []
        self.node.create_subscription(kind, topic, heard.append, qos)
        return heard

    def say(self, kind: type, topic: str, qos: QoSProfile | int = 10) -> Callable[[Any], None]:
        """A way to publish, once somebody listens."""
        publisher = self.node.create_publisher(kind, topic, qos)
        self.until(lambda: publisher.get_subscription_count() > 0, f"a listener of {topic}")
        return publisher.publish

    def greet(self, say: Callable[[Header], Any], heard: list[Any]) -> None:
        """Say something harmless again and again until it is answered under its header, and forget all answers.

        That a publisher knows of a subscription does not mean that the other side knows of ours: until it does, what
        it answers is lost. Answers come in order, so that none is on its way once that to the last greeting is here.
        """
        for number in range(1, 20):
            header = Header(frame_id="greeting", stamp=Time(sec=1, nanosec=number))
            say(header)
            if self._is_soon(
                lambda header=header: header in [answer.header for answer in heard], number / 10
            ):
                heard.clear()
                return
        pytest.fail("no answer to any greeting")

    def call(self, kind: type, service: str, request: Any, timeout_s: float = 10.0) -> Any:
        """The answer of a service.

        That the service is ready does not mean that it knows of our ear already: until it does, its answer is lost. So
        a question that changes nothing is asked again.
        """
        client = self.node.create_client(kind, service)
        self.until(client.service_is_ready, service, timeout_s)
        answers: list[Any] = []
        times = ASKED_TIMES if kind in QUESTIONS else 1
        for _ in range(times):
            answers.append(client.call_async(request))
            if self._is_soon(lambda: any(answer.done() for answer in answers), timeout_s / times):
                break
        answered = [answer for answer in answers if answer.done()]
        if not answered:
            pytest.fail(f"no answer of {service} within {timeout_s:.0f} s")
        return answered[0].result()

    def send_goal(self, client: Any, goal: Any, *feedback: Callable[[Any], None]) -> Any:
        """The future of an action client's goal.

        Sent on the thread that spins: rclpy notes a goal after it has sent it, and loses an answer that comes before.
        """
        sent = self._executor.create_task(lambda: client.send_goal_async(goal, *feedback))
        self.until(sent.done, "goal that was sent")
        return sent.result()

    def wait(self, future: Any, what: str, timeout_s: float = 10.0) -> Any:
        """The result of a future."""
        self.until(future.done, what, timeout_s)
        return future.result()

    def until(self, condition: Callable[[], Any], what: str, timeout_s: float = 10.0) -> None:
        """Wait for a condition, or fail naming it."""
        if not self._is_soon(condition, timeout_s):
            pytest.fail(f"no {what} within {timeout_s:.0f} s")

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown(timeout_sec=2)
        self._thread.join(2)
        self.node.destroy_node()

    def _is_soon(self, condition: Callable[[], Any], timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.01)
        return True

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return


@pytest.fixture(scope="session")
def ros() -> Iterator[None]:
    """rclpy in this process."""
    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture(scope="module")
def graph(ros: None) -> Iterator[Graph]:
    graph = Graph(rclpy.create_node("test", namespace="/cell"))
    yield graph
    graph.close()


@pytest.fixture(scope="module")
def start_cell(
    ros_process_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Cell]]:
    """Starts table entries and stops them after the module."""
    cells: list[Cell] = []

    def start(*entries: NodeEntry, ready: bool = True) -> Cell:
        environment = {**ros_process_environment, "ROS_DOMAIN_ID": os.environ["ROS_DOMAIN_ID"]}
        cell = Cell(entries, environment, tmp_path_factory.mktemp("logs"))
        cells.append(cell)
        cell.start()
        if ready:
            cell.wait_ready(READY_WITHIN_S, Silent())
        return cell

    yield start
    for cell in cells:
        cell.stop()
