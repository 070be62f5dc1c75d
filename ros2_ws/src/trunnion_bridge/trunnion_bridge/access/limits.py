"""How much callers may ask of the bridge, and the options that say so."""

from __future__ import annotations

import argparse
import dataclasses
import math
from dataclasses import dataclass
from urllib.parse import urlsplit

from trunnion_contract.errors import BadInput


@dataclass(frozen=True)
class Limits:
    """Valid once built. A caller is a user, a key, or an address where nobody has to say who they are.

    Attributes:
        rate_per_s: requests of one caller; twice as many at once.
        connections_max: HTTP and WebSocket together; one address may have four fifths of them, so that whoever takes
            all that it can from one machine does not lock out the others.
        streams_max: of one caller: WebSockets, server-sent events and video.
        handshake_within_s: for TLS to begin; a connection is counted only after it.
        head_within_s: for the head of a request, from the opening of the connection or the request's first byte.
        idle_s: for a connection that had its answer to ask again. Longer than the 60 s for which clients and proxies
            keep one, because who asks on a connection that the bridge closes in that moment gets an error instead.
        head_max_bytes: of a request, without its body.
        body_within_s: for a body, from its request's head.
        read_within_s: for a caller who has stopped to read to go on, other than on a WebSocket, which has its pings.
    """

    rate_per_s: float = 300.0
    connections_max: int = 1000
    streams_max: int = 600
    handshake_within_s: float = 5.0
    head_within_s: float = 10.0
    idle_s: int = 65
    head_max_bytes: int = 64 * 1024
    body_within_s: float = 10.0
    read_within_s: float = 30.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 1):
                raise BadInput(
                    where=f"--{field.name.replace('_', '-')}",
                    got=f"{value:g}",
                    wanted="1 or more",
                    next_step="leave it out for what suits most cells",
                )

    @property
    def connections_of_address_max(self) -> int:
        """How many connections one address may have."""
        return max(1, self.connections_max * 4 // 5)


def add_limit_options(parser: argparse.ArgumentParser) -> None:
    """Let the command be told how much callers may ask, and which other web sites may."""
    parser.add_argument(
        "--rate-per-s", type=float, default=Limits.rate_per_s, help="requests of one caller (%(default)g)"
    )
    parser.add_argument(
        "--connections-max", type=int, default=Limits.connections_max, help="of all callers (%(default)s)"
    )
    parser.add_argument(
        "--streams-max", type=int, default=Limits.streams_max, help="of one caller (%(default)s)"
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a web site, such as https://portal.example, whose pages may call the bridge; may be given again",
    )


def limits_of(given: argparse.Namespace) -> Limits:
    """The limits that the command was told.

    Raises:
        BadInput: one cannot be.
    """
    return Limits(given.rate_per_s, given.connections_max, given.streams_max)


def origins_of(given: argparse.Namespace) -> tuple[str, ...]:
    """The origins that the command was told, as browsers write them.

    Raises:
        BadInput: one is none.
    """
    return tuple(_origin(origin) for origin in given.allow_origin)


def _origin(given: str) -> str:
    try:
        address = urlsplit(given)
        is_origin = address.scheme in ("http", "https") and address.hostname and address.port != 0
    except ValueError:
        is_origin = None
    if not is_origin or given.lower() != f"{address.scheme}://{address.netloc}".lower() or "@" in given:
        raise BadInput(
            where="--allow-origin",
            got=f"'{given}'",
            wanted="a scheme, a host and, where it is not the usual one, a port, such as https://portal.example",
            next_step="name each site, without a path; there is no sign for all of them",
        )
    usual = {"http": ":80", "https": ":443"}[address.scheme]
    return given.lower().removesuffix(usual)  # browsers leave it out
