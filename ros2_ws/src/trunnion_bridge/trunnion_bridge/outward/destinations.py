"""Where webhooks may go: not into the network that the bridge stands in, unless somebody has said so."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from trunnion_bridge.problem import Refused
from trunnion_contract.errors import BadInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK = ("127.0.0.0/8", "::1/128")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class Destinations:
    """Addresses that everybody can reach, over https; and what is allowed besides, over http, too.

    Args:
        allowed: names of hosts, addresses, or networks such as 10.1.0.0/16.

    Raises:
        BadInput: an entry is none of these.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._networks: list[Network] = []
        self._names: set[str] = set()
        for entry in allowed:
            self._allow(entry)

    def check_url(self, url: str) -> None:
        """Refuse what can be seen to be wrong before any name is resolved.

        Raises:
            Refused: `webhook-url`.
        """
        parts = _split(url)
        host = parts.hostname or ""
        if parts.scheme not in ("https", "http") or not host:
            raise _refused(url, "https://HOST/PATH")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise _refused(
                "a user, a password or a fragment", "a URL without them: the signature says who sends"
            )
        address = _address(host)
        if address and not self.allows(host, address):
            raise _refused(host, "an address that everybody can reach, or one that --webhook-allow names")
        if parts.scheme == "http" and not self._is_named(host, address):
            raise _refused("http", "https; http only to hosts that --webhook-allow names")

    def allows(self, host: str, address: Address) -> bool:
        """Whether a message for `host` may go to `address`, one that the name resolves to."""
        if _plain(host) in self._names:
            return True
        meant = _meant(address)
        if any(address in network or meant in network for network in self._networks):
            return True
        return all(one.is_global and not one.is_multicast for one in (address, meant))

    def _is_named(self, host: str, address: Address | None) -> bool:
        is_inside = address is not None and any(address in network for network in self._networks)
        return _plain(host) in self._names or is_inside

    def _allow(self, entry: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(entry))
        except ValueError:
            name = _plain(entry)
            if not name or any(character in name for character in "/:@ *"):
                raise BadInput(
                    where="--webhook-allow",
                    got=f"'{entry}'",
                    wanted="the name of a host, an address, or a network such as 10.1.0.0/16",
                    next_step="correct it; several are separated by commas",
                ) from None
            self._names.add(name)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _refused(url, "https://HOST/PATH") from None
    if any(ord(character) <= 32 or ord(character) > 126 for character in url):
        raise _refused(url, "a URL of printable ASCII, other characters encoded")
    return parts


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def _refused(got: str, wanted: str) -> Refused:
    return Refused(
        "webhook-url",
        where="body.url",
        got=ascii(got),
        wanted=wanted,
        next_step="correct the URL, or have whoever runs the bridge allow the host",
    )
