"""How a node says that it is alive and well: diagnostic_msgs/DiagnosticArray on /diagnostics, twice a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from trunnion_inference.clocks import header_now, steady_clock
from trunnion_inference.qos import HEARTBEATS, overridable

PERIOD_S = 0.5
TOPIC = "/diagnostics"
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


@dataclass(frozen=True)
class Health:
    """What one heartbeat says; `state` is the lifecycle state, "active" for nodes without one."""

    level: bytes = OK
    message: str = "works"
    state: str = "active"
    values: Mapping[str, str] = field(default_factory=dict)


class Heartbeat:
    """Asks `health` and publishes the answer, from the moment it is made; works in every lifecycle state."""

    def __init__(self, node: Node, health: Callable[[], Health]) -> None:
        self._node = node
        self._health = health
        self._publisher = node.create_publisher(DiagnosticArray, TOPIC, **overridable(HEARTBEATS))
        self._timer = node.create_timer(PERIOD_S, self.beat, clock=steady_clock())

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat from a thread of its own meanwhile: what takes long on the executor's keeps it from its timers."""
        ended = threading.Event()
        thread = threading.Thread(target=self._beat_until, args=(ended,), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def beat(self) -> None:
        """Publish one now."""
        health = self._health()
        values = {"state": health.state, **health.values}
        status = DiagnosticStatus(
            level=health.level,
            name=self._node.get_name(),
            message=health.message,
            hardware_id=self._node.get_fully_qualified_name(),
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        self._publisher.publish(DiagnosticArray(header=header_now(self._node), status=[status]))

    def _beat_until(self, ended: threading.Event) -> None:
        while not ended.wait(PERIOD_S):
            self.beat()
