"""Which names are of this machine alone."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        address = ipaddress.ip_address(host)
        # Before Python 3.13 ::ffff:127.0.0.1 does not count as such.
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        return host == "localhost"
