"""Which user of this machine is at the other end of a connection over loopback, as the kernel knows it."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

_TABLES = {4: Path("/proc/net/tcp"), 6: Path("/proc/net/tcp6")}


def user_of(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """The id of the user who opened the connection from `client` to `server`; None where the kernel does not say."""
    try:
        table = _TABLES[ipaddress.ip_address(client[0]).version].read_text()
        wanted = [_as_kernel_writes(client), _as_kernel_writes(server)]
    except (OSError, ValueError):
        return None
    for row in table.splitlines()[1:]:
        columns = row.split()
        if columns[1:3] == wanted:
            return int(columns[7])
    return None


def _as_kernel_writes(address: tuple[str, int]) -> str:
    """`127.0.0.1`, 80 as `0100007F:0050`: words of 32 bits in this machine's byte order."""
    packed = ipaddress.ip_address(address[0]).packed
    words = [int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4)]
    return "".join(f"{word:08X}" for word in words) + f":{address[1]:04X}"
