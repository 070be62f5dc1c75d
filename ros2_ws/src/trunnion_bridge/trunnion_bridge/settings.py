"""What the bridge is told at its start. There are no secrets in here, because there is no authentication yet."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from trunnion_contract.errors import BadInput

OPEN_FLAG = "--anyone-on-the-network-may-move-the-robot"


@dataclass(frozen=True)
class Settings:
    """Valid once built.

    Attributes:
        bundle: what the cell runs; the parts and bins that can be ordered come from it.
        data_dir: where the orders are kept.
        open_to_network: the caller accepts that whoever reaches the port commands the robot.
        nodes: nodes that must be heard of; others are added as their heartbeats come.
        robot_wait_s: how long the order whose turn it is waits for the sorter before it fails.
        sorter_silence_max_s: a running order fails when the sorter was not heard of for so long.
        ros_arguments: from `--ros-args` on, as launch files pass them.
    """

    bundle: Path
    data_dir: Path
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
    def database(self) -> Path:
        """The file that holds the orders."""
        return self.data_dir / "bridge.db"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
