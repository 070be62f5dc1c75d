"""What is connected to is the address that was checked; certificates are held against the name."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading

import httpx
import pytest
from tests.bridge.outward.certificates import make_certificate
from tests.bridge.outward.receiver import running_receiver

from trunnion_bridge.outward.destinations import LOOPBACK, Destinations
from trunnion_bridge.outward.guarded_transport import ForbiddenAddress, GuardedTransport


def resolve_to(monkeypatch, *answers: str) -> list[str]:
    """Names resolve to the next of `answers` each time, a text of addresses; what was asked."""
    asked, left = [], list(answers)

    def getaddrinfo(host, port, *_, **__):
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses.split()]

    monkeypatch.setattr("trunnion_bridge.outward.guarded_transport.socket.getaddrinfo", getaddrinfo)
    return asked


def post(url: str, destinations: Destinations, tls: ssl.SSLContext | None = None) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = GuardedTransport(destinations, tls or httpx.create_ssl_context(), 1)
        async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=5.0) as client:
            return await client.post(url, content=b"{}")

    return asyncio.run(once())


def test_a_name_that_leads_inside_is_refused_whatever_else_it_leads_to(monkeypatch):
    with running_receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        for addresses in ("127.0.0.1", "93.184.216.34 127.0.0.1"):
            resolve_to(monkeypatch, addresses)
            with pytest.raises(ForbiddenAddress, match=r"127\.0\.0\.1"):
                post(f"http://erp.example:{port}/hook", Destinations())
    assert receiver.messages == []


def test_a_name_that_changes_after_it_was_checked_changes_nothing(monkeypatch):
    """DNS rebinding: the name is asked once, and the connection goes to the address that was checked."""
    with running_receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        asked = resolve_to(monkeypatch, "127.0.0.1", "10.0.0.1")
        assert post(f"http://erp.example:{port}/hook", Destinations(LOOPBACK)).status_code == 204
    assert asked == ["erp.example"]
    assert receiver.messages[0].headers["host"] == f"erp.example:{port}"


def test_an_address_that_takes_no_connection_gives_way_to_the_next(monkeypatch):
    with running_receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        resolve_to(monkeypatch, "127.0.0.2 127.0.0.1")
        assert post(f"http://erp.example:{port}/hook", Destinations(LOOPBACK)).status_code == 204


def test_a_name_that_leads_nowhere_is_an_error_of_the_connection():
    with pytest.raises(httpx.ConnectError, match="no address for erp"):
        post("http://erp.invalid/hook", Destinations(LOOPBACK))


@pytest.mark.parametrize(("name", "is_taken"), [("erp.example", True), ("other.example", False)])
def test_a_certificate_is_held_against_the_name_and_not_the_address(monkeypatch, tmp_path, name, is_taken):
    certificate = make_certificate(tmp_path, "erp.example")
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(certificate)
    client_tls = ssl.create_default_context(cafile=str(certificate))
    resolve_to(monkeypatch, "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_once, args=(server, server_tls), daemon=True).start()
        url = f"https://{name}:{server.getsockname()[1]}/hook"
        if is_taken:
            assert post(url, Destinations(LOOPBACK), client_tls).status_code == 204
        else:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                post(url, Destinations(LOOPBACK), client_tls)


def _answer_once(server: socket.socket, tls: ssl.SSLContext) -> None:
    connection, _ = server.accept()
    try:
        with tls.wrap_socket(connection, server_side=True) as secured:
            received = b""
            while not received.endswith(
                b"{}"
            ):  # what is left unread when it closes is an error to the other side
                received += secured.recv(65536)
            secured.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    except (ssl.SSLError, OSError):
        connection.close()
