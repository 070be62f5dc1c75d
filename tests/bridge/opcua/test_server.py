"""OPC UA as a part of the bridge: one that has stopped is seen by those who watch over the bridge."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

from tests.bridge.running import until

from trunnion_bridge.metrics import Metrics
from trunnion_bridge.opcua.server import OpcUaServer
from trunnion_bridge.settings import OpcUa


async def broken(*_):
    raise RuntimeError("as asyncua might")


def test_a_server_whose_thread_has_ended_is_not_alive(monkeypatch):
    monkeypatch.setattr(OpcUaServer, "_serve", broken)
    settings = OpcUa("opc.tcp://127.0.0.1:4840/trunnion", None, None)
    with socket.socket() as listener:
        server = OpcUaServer(SimpleNamespace(metrics=Metrics()), settings, listener)
        asyncio.run(server.start())
        until(lambda: not server.alive, within_s=5, what="its end")
