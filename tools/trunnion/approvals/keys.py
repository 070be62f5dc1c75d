"""The key of a person who approves: the private half in a file that only this person reads."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trunnion_contract.errors import BadInput

_OTHERS = 0o077


def make_key(file: Path) -> str:
    """Write a new private key, readable by its owner alone; returns the public half.

    Raises:
        BadInput: something stands there already, or the place cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadInput(
            where=str(file),
            got=(error.strerror or "no place for a file").lower(),
            wanted="a new file; a key is never written over",
            next_step="name another file",
        ) from None
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(pem)
    return public_half(key)


def load_key(file: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        BadInput: there is none, it is no Ed25519 key, or others can read it.
    """
    try:
        data, mode = file.read_bytes(), file.stat().st_mode
    except OSError:
        raise _unusable(file, "no such file", "make one: trunnion approve keygen") from None
    if mode & _OTHERS:
        raise _unusable(file, "a file that others can read", f"chmod 600 {file}, or make a new key")
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        raise _unusable(file, "no private key", "make one: trunnion approve keygen") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(file, "a key of another kind", "make one: trunnion approve keygen")
    return key


def public_half(key: Ed25519PrivateKey) -> str:
    """The public key, as the plan of a use case names it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(key: Ed25519PrivateKey, data: bytes) -> str:
    """The signature, in base64."""
    return base64.b64encode(key.sign(data)).decode()


def is_signed(public: str, data: bytes, signature: str) -> bool:
    """Whether the owner of `public` signed `data`."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        key.verify(base64.b64decode(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _unusable(file: Path, got: str, next_step: str) -> BadInput:
    return BadInput(where=str(file), got=got, wanted="your private Ed25519 key", next_step=next_step)
