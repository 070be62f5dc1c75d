"""An MQTT broker of the tests' own, and a fleet control that speaks VDA5050 over it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from tests.bridge.running import a_free_port, until

MISSING = "NOT RUN: no MQTT broker here (tools/setup/mosquitto.sh)"


class Mosquitto:
    """A broker that can die and come back; `settings` are lines of its configuration."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = a_free_port()
        self._program = program()
        self._configuration = folder / "mosquitto.conf"
        lines = (f"listener {self.port} 127.0.0.1", *(settings or ("allow_anonymous true",)))
        self._configuration.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [self._program, "-c", str(self._configuration)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, what="an MQTT broker")

    def stop(self) -> None:
        """End at once."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running_mosquitto(*settings: str) -> Iterator[Mosquitto]:
    """A broker for as long as the block lasts."""
    if program() is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="trunnion-mosquitto-") as folder:
        broker = Mosquitto(Path(folder), *settings)
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()


def program() -> str | None:
    """The broker's program; Debian keeps it off the path of users."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")


class FleetControl:
    """Sends orders to one robot and keeps what it says."""

    def __init__(self, port: int, robot: str = "uagv/v2/trunnion/cell", version: str = "2.1.0") -> None:
        self.robot, self._version = robot, version
        self.heard: dict[str, list[dict[str, Any]]] = {"state": [], "connection": [], "factsheet": []}
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._hear
        self._client.on_connect = lambda client, *_: client.subscribe([(f"{robot}/#", 1)])
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        """Hear no more."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, message: dict[str, Any] | bytes) -> None:
        """Send a message; the header is added to one that is not raw."""
        if isinstance(message, dict):
            header = {"headerId": 1, "timestamp": "2026-01-01T00:00:00.000Z", "version": self._version}
            names = {"manufacturer": "trunnion", "serialNumber": "cell"}
            message = json.dumps({**header, **names, **message}).encode()
        self._client.publish(f"{self.robot}/{topic}", message).wait_for_publish(5)

    def state(self) -> dict[str, Any]:
        """The latest."""
        return self.heard["state"][-1]

    def until(self, true: Any, what: str) -> dict[str, Any]:
        """The first state for which `true(state)`."""
        until(lambda: self.heard["state"] and true(self.state()), what=what)
        return self.state()

    def connection(self) -> str | None:
        """What is said of the robot's connection."""
        said = self.heard["connection"]
        return said[-1]["connectionState"] if said else None

    def _hear(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        name = message.topic.rpartition("/")[2]
        if name in self.heard:
            self.heard[name].append({**json.loads(message.payload), "_retain": message.retain})


def order(order_id: str = "o-1", update_id: int = 0, *sorts: tuple[str, int], **more: Any) -> dict[str, Any]:
    """An order of one node; `sorts` are parts and quantities for bin B."""
    actions = [sort(f"{order_id}.{update_id}.{i}", *one) for i, one in enumerate(sorts or (("nut", 1),))]
    node = {"nodeId": "cell", "sequenceId": 0, "released": True, "actions": actions}
    return {"orderId": order_id, "orderUpdateId": update_id, "nodes": [node], "edges": [], **more}


def sort(action_id: str, part: str, quantity: int, bin_name: str = "B") -> dict[str, Any]:
    """An action."""
    said = {"part": part, "quantity": quantity, "bin": bin_name}
    parameters = [{"key": key, "value": value} for key, value in said.items()]
    return {
        "actionType": "sort",
        "actionId": action_id,
        "blockingType": "HARD",
        "actionParameters": parameters,
    }


def instant(action_id: str, kind: str) -> dict[str, Any]:
    """Instant actions, one of them."""
    return {"actions": [{"actionType": kind, "actionId": action_id, "blockingType": "NONE"}]}
