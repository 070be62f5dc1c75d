"""Which user of this machine is at the other end of a connection over loopback, as the kernel knows it."""

from __future__ import annotations

import ipaddress
import os
import pwd
import sys
from pathlib import Path

_IPV4, _IPV6 = Path("/proc/net/tcp"), Path("/proc/net/tcp6")
Address = tuple[str, int]
_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def user_of(client: Address, server: Address) -> int | None:
    """The id of the user who opened the connection from `client` to `server`; None where the kernel does not say.

    A program may reach an IPv4 address through a socket of IPv6, as those in Java do: the kernel then lists its end
    with IPv6, as ::ffff:127.0.0.1, while ours has IPv4; or the other way round.
    """
    try:
        ends = [_plain(client), _plain(server)]
        if any(end.version != ends[0].version for end in ends):
            return None
        listed = [(_IPV4 if ends[0].version == 4 else _IPV6, ends)]
        if ends[0].version == 4:
            listed.append((_IPV6, [ipaddress.IPv6Address(f"::ffff:{end}") for end in ends]))
        for table, addresses in listed:
            wanted = [_as_kernel_writes(*end) for end in zip(addresses, (client[1], server[1]), strict=True)]
            if (user := _owner(table, wanted)) is not None:
                return user
    except (OSError, ValueError):
        pass
    return None


def network_of(host: str) -> str:
    """What counts as one address: with IPv6 the 2^64 that one subscriber has."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def own_name() -> str:
    """The name of the user who runs this program."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in containers, where users need no name
        return f"user {os.getuid()}"


def _plain(address: Address) -> _IP:
    ip = ipaddress.ip_address(address[0])
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _owner(table: Path, wanted: list[str]) -> int | None:
    for row in table.read_text().splitlines()[1:]:
        columns = row.split()
        if columns[1:3] == wanted:
            return int(columns[7])
    return None


def _as_kernel_writes(ip: _IP, port: int) -> str:
    """`127.0.0.1`, 80 as `0100007F:0050`: words of 32 bits in this machine's byte order."""
    packed = ip.packed
    words = [int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4)]
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
