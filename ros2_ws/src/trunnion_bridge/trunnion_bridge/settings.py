"""What the bridge is told at its start. The URL of a database hides its password when it is printed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from trunnion_bridge.database import sqlite_url
from trunnion_contract.errors import BadInput

OPEN_FLAG = "--anyone-on-the-network-may-move-the-robot"


@dataclass(frozen=True)
class Settings:
    """Valid once built.

    Attributes:
        bundle: what the cell runs; the parts and bins that can be ordered come from it.
        data_dir: the bridge's own folder, used by one bridge at a time.
        database: a PostgreSQL database for the orders; None is a SQLite file in `data_dir`.
        open_to_network: the caller accepts that whoever reaches the port commands the robot.
        nodes: nodes that must be heard of; others are added as their heartbeats come.
        robot_wait_s: how long the order whose turn it is waits for the sorter before it fails.
        sorter_silence_max_s: a running order fails when the sorter was not heard of for so long.
        ros_arguments: from `--ros-args` on, as launch files pass them.
    """

    bundle: Path
    data_dir: Path
    database: URL | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    open_to_network: bool = False
    namespace: str = "/cell"
    nodes: tuple[str, ...] = ("detector", "policy", "sorter")
    ros_arguments: tuple[str, ...] = ()
    robot_wait_s: float = 60.0
    sorter_silence_max_s: float = 5.0
    queued_max: int = 100
    watchers_max: int = 8
    body_max_bytes: int = 64 * 1024

    def __post_init__(self) -> None:
        if not self.open_to_network and not is_loopback(self.host):
            raise BadInput(
                where="--host",
                got=f"{self.host}, which others on the network can reach",
                wanted="an address of this machine alone, such as 127.0.0.1: the bridge has no authentication yet",
                next_step=f"keep 127.0.0.1 and put a proxy that authenticates in front, or add {OPEN_FLAG}",
            )
        if not 0 <= self.port <= 65535:
            raise BadInput(
                where="--port", got=str(self.port), wanted="0 to 65535", next_step="choose another port"
            )

    @property
    def database_url(self) -> URL:
        """Where the orders are."""
        return self.database or sqlite_url(self.data_dir / "bridge.db")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
