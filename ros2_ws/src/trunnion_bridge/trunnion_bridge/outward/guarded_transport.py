"""HTTP to addresses that were looked at: what was checked is connected to, whatever a name says a moment later."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from contextlib import suppress

import httpx

from trunnion_bridge.outward.destinations import Destinations


class ForbiddenAddress(httpx.TransportError):
    """The host resolves to an address that webhooks may not go to."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """For one receiver: connections are kept, and each is of the one name that its certificate was held against."""

    def __init__(self, destinations: Destinations, tls: ssl.SSLContext, connections_max: int) -> None:
        self._destinations = destinations
        limits = httpx.Limits(max_connections=connections_max, keepalive_expiry=30.0)
        self._inner = httpx.AsyncHTTPTransport(verify=tls, limits=limits, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send to the first of the host's addresses that takes the connection; all of them must be allowed.

        Raises:
            ForbiddenAddress: one is not.
            httpx.ConnectError: none takes it, or there is none.
        """
        host = request.url.host
        addresses = await resolved(host)
        for address in addresses:
            if not self._destinations.allows(host, ipaddress.ip_address(address)):
                raise ForbiddenAddress(f"{host} is at {address}, where webhooks may not go")
        request.extensions = {**request.extensions, "sni_hostname": host}
        refusal = httpx.ConnectError(f"there is no address for {host}")
        for address in addresses:
            request.url = request.url.copy_with(host=address)  # the header Host stays as it was
            try:
                return await self._inner.handle_async_request(request)
            except httpx.ConnectError as error:
                refusal = error
        raise refusal

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


async def resolved(host: str) -> list[str]:
    """The addresses of a host, none where the name leads nowhere.

    On a thread of its own: a resolver that does not answer must neither take the threads that write orders nor keep the
    bridge from ending.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def give(addresses: list[str]) -> None:
        if not answer.done():
            answer.set_result(addresses)

    def ask() -> None:
        addresses: list[str] = []
        with suppress(OSError, UnicodeError):
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            # A scope (fe80::1%eth0) says which link, and no address on a link is for everybody.
            addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(give, addresses)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    return await answer
