from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.bridge.opcua.clients import Pem, Place, ask
from tests.bridge.running import RunningBridge, a_free_port, running_bridge, until


def make_pem(folder: Path, name: str, uri: str | None, bits: int = 2048, days: int = 1) -> Pem:
    """A self-signed certificate for an application."""
    key = rsa.generate_private_key(65537, bits)
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=days))
    )
    if uri:
        names = [x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = Pem(folder / f"{name}.pem", folder / f"{name}_key.pem")
    pem.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem.key.write_bytes(key.private_bytes(*form))
    return pem


@pytest.fixture(scope="package")
def client_pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    return make_pem(tmp_path_factory.mktemp("client"), "client", "urn:example:client")


@pytest.fixture(scope="package")
def bridge_pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    return make_pem(tmp_path_factory.mktemp("server"), "bridge", "urn:example:bridge")


@pytest.fixture(scope="package")
def open_place() -> Place:
    return Place(a_free_port())


@pytest.fixture(scope="package")
def the_open_bridge(ros_process_environment, bundle, tmp_path_factory, open_place) -> Iterator[RunningBridge]:
    data_dir = tmp_path_factory.mktemp("open")
    arguments = ("--opcua-endpoint", open_place.url)
    with running_bridge(ros_process_environment, bundle, data_dir, a_free_port(), *arguments) as bridge:
        until(lambda: "opcua: served" in (data_dir / "bridge.log").read_text(), 120.0, "OPC UA")
        yield bridge


@pytest.fixture
def open_bridge(the_open_bridge: RunningBridge, cell, open_place: Place) -> RunningBridge:
    """A bridge in development, to a cell that is ready, which its OPC UA says, too."""
    the_open_bridge.until_ready()
    ask(open_place, _until_ready)
    return the_open_bridge


async def _until_ready(client, index):
    for _ in range(100):
        if await client.get_node(f"ns={index};s=Cell/Ready").read_value():
            return
        await asyncio.sleep(0.03)
    raise AssertionError("OPC UA does not say that the cell is ready")
