"""The server's certificate: files that fit, or one that is made for development and kept nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bridge.opcua.conftest import make_pem
from tests.bridge.running import a_free_port, bridge_command

from trunnion_bridge.main import main
from trunnion_bridge.opcua.certificate import identity_of
from trunnion_bridge.settings import Oidc, OpcUa, Settings
from trunnion_contract.errors import BadInput

LOOPBACK = "opc.tcp://127.0.0.1:4840/trunnion"
HERE = Path("here")


def test_a_certificate_of_ones_own_names_the_server(bridge_pem):
    identity = identity_of(OpcUa(LOOPBACK, *bridge_pem))

    assert identity.uri == "urn:example:bridge"
    assert identity.key.key_size == 2048


def test_in_development_each_start_makes_another(tmp_path):
    one, other = identity_of(OpcUa(LOOPBACK)), identity_of(OpcUa(LOOPBACK))

    assert one.certificate.serial_number != other.certificate.serial_number
    assert one.uri.endswith(":trunnion:bridge")
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_serve_are_refused_at_the_start(tmp_path, bridge_pem):
    weak, old = make_pem(tmp_path, "weak", "urn:x", bits=1024), make_pem(tmp_path, "old", "urn:x", days=-1)
    nameless = make_pem(tmp_path, "nameless", None)
    garbage = tmp_path / "garbage"
    garbage.write_text("no certificate")
    for certificate, key, words in [
        (bridge_pem.certificate, weak.key, "not the key of"),
        (*weak, "1024 bits"),
        (*old, "expired"),
        (*nameless, "without a URI"),
        (garbage, bridge_pem.key, "cannot be read"),
        (tmp_path / "none", bridge_pem.key, "No such file"),
        (bridge_pem.certificate, garbage, "cannot be read"),
    ]:
        with pytest.raises(BadInput, match=words):
            identity_of(OpcUa(LOOPBACK, certificate, key))


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1:4840", "http://127.0.0.1:4840", "opc.tcp://127.0.0.1", "opc.tcp://:4840", "opc.tcp://h:x"],
)
def test_an_endpoint_that_is_none_is_refused(endpoint):
    with pytest.raises(BadInput, match=r"wanted opc\.tcp://HOST:PORT/PATH"):
        OpcUa(endpoint)


def test_without_a_certificate_it_is_for_development_on_loopback_only(bridge_pem):
    everyone = "opc.tcp://0.0.0.0:4840/trunnion"
    issuer = Oidc("https://issuer.example", "trunnion")
    for opcua, oidc in ((OpcUa(everyone), None), (OpcUa(LOOPBACK), issuer)):
        with pytest.raises(BadInput, match="--opcua-cert"):
            Settings(HERE, HERE, opcua=opcua, oidc=oidc)
    Settings(HERE, HERE, opcua=OpcUa(everyone, *bridge_pem))
    Settings(HERE, HERE, opcua=OpcUa(LOOPBACK))
    with pytest.raises(BadInput, match="a certificate without its key"):
        OpcUa(LOOPBACK, bridge_pem.certificate)


def test_a_port_that_is_taken_is_told_before_anything_is_started(tmp_path, capsys, open_bridge, open_place):
    command = bridge_command(HERE, tmp_path / "data", "--port", str(a_free_port()))
    assert main([*command[3:], "--opcua-endpoint", open_place.url]) == 2

    assert (
        f"port {open_place.port} on 127.0.0.1: got a port that another program uses"
        in capsys.readouterr().err
    )
