"""HTTPS with a certificate of one's own."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import subprocess
import time
from contextlib import closing

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.bridge.running import a_free_port, bridge_command, until

from trunnion_bridge.certificate import check_certificate
from trunnion_contract.errors import BadInput


@pytest.fixture
def pem(tmp_path):
    """Writes a certificate for 127.0.0.1 and its key; gives both paths."""

    def make(name, password=None):
        key = ec.generate_private_key(ec.SECP256R1())
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cell")])
        now, address = datetime.datetime.now(datetime.UTC), ipaddress.ip_address("127.0.0.1")
        certificate = (
            x509.CertificateBuilder()
            .subject_name(own)
            .issuer_name(own)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (tmp_path / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (tmp_path / f"{name}.key").write_bytes(key.private_bytes(*form, hidden))
        return tmp_path / f"{name}.crt", tmp_path / f"{name}.key"

    return make


def test_with_a_certificate_the_bridge_speaks_https_only(ros_process_environment, bundle, tmp_path, pem):
    certificate, key = pem("cell")
    port, trusted = a_free_port(), ssl.create_default_context(cafile=str(certificate))
    command = bridge_command(bundle, tmp_path / "data", "--port", str(port), "--tls-cert", str(certificate))
    with subprocess.Popen([*command, "--tls-key", str(key)], env=ros_process_environment) as process:
        try:
            with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted) as client:

                def answered():
                    assert process.poll() is None
                    try:
                        return client.get("/healthz")
                    except httpx.TransportError:
                        return None

                answer = until(answered, within_s=60.0)
                session = client.post("/v1/session")
            with closing(socket.create_connection(("127.0.0.1", port))) as silent:
                silent.settimeout(15)
                began_s = time.monotonic()
                assert silent.recv(1) == b"", "one who never shakes hands is let go"
                assert time.monotonic() - began_s < 10
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            assert "Secure" in session.headers["set-cookie"]
            with pytest.raises(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/healthz")
        finally:
            process.kill()


def test_files_that_cannot_serve_are_refused_at_the_start(pem, tmp_path):
    one, other, locked = pem("one"), pem("other"), pem("locked", b"secret")
    garbage = tmp_path / "garbage.crt"
    garbage.write_text("no certificate")
    for certificate, key in [
        (one[0], other[1]),
        locked,
        (garbage, one[1]),
        (tmp_path / "none", one[1]),
        (None, one[1]),
    ]:
        with pytest.raises(BadInput, match="--tls-"):
            check_certificate(certificate, key)
    check_certificate(*one)
    check_certificate(None, None)
