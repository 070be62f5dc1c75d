"""Clients for a bridge's OPC UA: asyncua's own, and bare sockets that speak it badly."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

HELLO = b"HELF" + struct.pack("<IIIIII", 32, 0, 65535, 65535, 0, 0) + struct.pack("<i", -1)


class Pem(NamedTuple):
    """Files of a certificate and its key."""

    certificate: Path
    key: Path


class Place(NamedTuple):
    """Where a bridge serves OPC UA."""

    port: int

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}/trunnion"

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10.0)


def ask(
    place: Place,
    work: Callable[[Client, int], Awaitable[Any]],
    user: str = "",
    password: str = "",
    pem: Pem | None = None,
) -> Any:
    """What `work(client, index of our namespace)` gives; encrypted, with `pem`."""

    async def asked() -> Any:
        client = Client(place.url, timeout=10)
        if user:
            client.set_user(user)
            client.set_password(password)
        if pem:
            await client.set_security(SecurityPolicyBasic256Sha256, str(pem.certificate), str(pem.key))
        async with client:
            return await work(client, await client.get_namespace_index("urn:trunnion:bridge"))

    return asyncio.run(asked())


async def call(client: Client, index: int, name: str, *arguments: ua.Variant) -> ua.CallMethodResult:
    """The whole result of a method of Cell/Orders, good or bad."""
    request = ua.CallMethodRequest()
    request.ObjectId = ua.NodeId("Cell/Orders", index)
    request.MethodId = ua.NodeId(f"Cell/Orders/{name}", index)
    request.InputArguments = list(arguments)
    return (await client.uaclient.session.call([request]))[0]


def order(parts: list[str], quantities: list[int], bin_name: str = "B", *more: Any) -> list[ua.Variant]:
    """The arguments of PlaceOrder."""
    kinds = (ua.VariantType.String, ua.VariantType.DateTime)
    return [
        ua.Variant(parts, ua.VariantType.String, is_array=True),
        ua.Variant(quantities, ua.VariantType.UInt32, is_array=True),
        ua.Variant(bin_name, ua.VariantType.String),
        *(ua.Variant(value, kind) for value, kind in zip(more, kinds, strict=False)),
    ]


def said(result: ua.CallMethodResult) -> str:
    """The words of a refusal."""
    return " ".join(
        info.AdditionalInfo for info in result.InputArgumentDiagnosticInfos if info.AdditionalInfo
    )


def until_closed(connection: socket.socket) -> bytes:
    """What came until the other side closed; raises TimeoutError where it does not."""
    got = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(65536):
            got += data
    return got


def receive(connection: socket.socket) -> bytes:
    """One chunk, and nothing of the one that may have come with it."""
    header = _exactly(connection, 8)
    return header + _exactly(connection, struct.unpack_from("<I", header, 4)[0] - len(header))


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data


@contextmanager
def recording(place: Place) -> Iterator[tuple[Place, list[bytes]]]:
    """A way to `place` that keeps what a client sends through it, chunk by chunk, as one connection."""
    kept: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_forward, args=(listener, place, kept), daemon=True).start()
        yield Place(listener.getsockname()[1]), kept


def _forward(listener: socket.socket, place: Place, kept: list[bytes]) -> None:
    client, _ = listener.accept()
    with client, place.connect() as server:
        back = threading.Thread(target=_copy, args=(server, client), daemon=True)
        back.start()
        with suppress(OSError):
            while chunk := receive(client):
                kept.append(chunk)
                server.sendall(chunk)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
