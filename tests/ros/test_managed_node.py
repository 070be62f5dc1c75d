"""What every lifecycle node here has, shown on one that does nothing but take its time."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor

from trunnion_inference.heartbeat import Health
from trunnion_inference.managed_node import ManagedNode


class Patient(ManagedNode):
    """Is ready when it is told so."""

    def __init__(self) -> None:
        super().__init__("patient")
        self.may_be_ready = threading.Event()

    def make_ready(self) -> None:
        assert self.may_be_ready.wait(30)

    def begin(self) -> None:
        """Nothing to let in."""

    def pause(self) -> None:
        """Nothing to keep out."""

    def free(self) -> None:
        """Nothing to free."""

    def active_health(self) -> Health:
        return Health()


@pytest.fixture
def heard(graph: Any) -> list[DiagnosticArray]:
    return graph.hear(DiagnosticArray, "/diagnostics")


def test_the_heart_beats_while_configure_keeps_the_only_thread_of_the_executor(
    graph: Any, heard: list[DiagnosticArray]
) -> None:
    node = Patient()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spins = threading.Thread(target=executor.spin, daemon=True)
    spins.start()

    def said(state: str) -> list[tuple[bytes, str]]:
        statuses = [message.status[0] for message in list(heard)]
        return [
            (of.level, of.message) for of in statuses if of.name == "patient" and of.values[0].value == state
        ]

    try:
        graph.until(lambda: said("unconfigured"), "a heartbeat")
        configured = executor.create_task(node.trigger_configure)
        graph.until(lambda: said("configuring")[1:], "two heartbeats of a node that is configuring")
        assert set(said("configuring")) == {(DiagnosticStatus.WARN, "is configuring")}
        node.may_be_ready.set()
        graph.until(lambda: configured.done() and said("inactive"), "a node that is ready")
    finally:
        node.may_be_ready.set()
        executor.shutdown(timeout_sec=5)
        spins.join(5)
        node.destroy_node()
