"""Prints each heartbeat on /diagnostics as one line of JSON, until it is stopped. `Cell.wait_ready` reads it."""

from __future__ import annotations

import contextlib
import json

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from trunnion_inference.process import run_node


def print_heartbeats(message: DiagnosticArray) -> None:
    """One line for each status; `state` is a lifecycle state, or empty where a node tells none."""
    for status in message.status:
        values = {value.key: value.value for value in status.values}
        line = {
            "name": status.name,
            "state": values.get("state", ""),
            "level": int.from_bytes(status.level, "little"),
            "message": status.message,
        }
        print(json.dumps(line), flush=True)


class Heartbeats(Node):
    """Listens until it is stopped."""

    def __init__(self) -> None:
        super().__init__("heartbeats")
        self.create_subscription(DiagnosticArray, "/diagnostics", print_heartbeats, 50)


def main() -> None:
    """Spins until the parent stops this process, or reads no more."""
    with contextlib.suppress(BrokenPipeError):
        run_node(Heartbeats, lambda node: None)
