"""Who the OPC UA server is: its certificate and key from files, or made for as long as the bridge runs."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trunnion_bridge.settings import OpcUa
from trunnion_contract.errors import BadInput

_BITS_MIN, _BITS_MAX = 2048, 4096  # what the policy Basic256Sha256 allows


@dataclass(frozen=True)
class Identity:
    """The application's URI, which its certificate names, too, and the certificate with its key."""

    uri: str
    certificate: x509.Certificate
    key: RSAPrivateKey


def identity_of(opcua: OpcUa) -> Identity:
    """The identity that the settings name; where they name none, one that is made now and kept nowhere.

    Raises:
        BadInput: the files cannot serve.
    """
    if not opcua.certificate or not opcua.key:
        return _throw_away(opcua.host)
    certificate, key = _certificate(opcua.certificate), _key(opcua.key)
    if certificate.public_key() != key.public_key():
        raise _refused("--opcua-key", f"{opcua.key}, which is not the key of {opcua.certificate}")
    if not _BITS_MIN <= key.key_size <= _BITS_MAX:
        raise _refused("--opcua-key", f"{opcua.key} with {key.key_size} bits")
    if certificate.not_valid_after_utc <= datetime.now(timezone.utc):
        raise _refused("--opcua-cert", f"{opcua.certificate}, which has expired")
    return Identity(_uri_in(certificate, opcua.certificate), certificate, key)


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _refused("--opcua-cert", f"{file}, which cannot be read ({_why(error)})") from None


def _key(file: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _refused("--opcua-key", f"{file}, which cannot be read ({_why(error)})") from None
    if not isinstance(key, RSAPrivateKey):
        raise _refused("--opcua-key", f"{file} with a key that is not RSA")
    return key


def _uri_in(certificate: x509.Certificate, file: Path) -> str:
    """Clients compare the URI in the certificate with the one that the server names."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    if not uris:
        raise _refused("--opcua-cert", f"{file} without a URI in its subjectAltName")
    return str(uris[0])


def _throw_away(host: str) -> Identity:
    uri = f"urn:{socket.gethostname()}:trunnion:bridge"
    key = generate_private_key(65537, _BITS_MIN)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trunnion bridge, development")])
    now = datetime.now(timezone.utc)
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]
    if host != "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    usage = x509.KeyUsage(True, True, True, True, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(uri, certificate, key)


def _why(error: Exception) -> str:
    return error.strerror or "" if isinstance(error, OSError) else str(error).split("\n")[0]


def _refused(where: str, got: str) -> BadInput:
    return BadInput(
        where=where,
        got=got,
        wanted=f"a certificate that names the server's URI, and its own RSA key of {_BITS_MIN} to {_BITS_MAX} bits, "
        "both as PEM without a password",
        next_step="make them as the OPC UA chapter of the bridge shows",
    )
