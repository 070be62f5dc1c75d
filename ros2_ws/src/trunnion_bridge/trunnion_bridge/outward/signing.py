"""Secrets of webhooks: made here, kept encrypted, and used for signatures as Standard Webhooks wants them.

A signature needs the secret itself, so that no digest of it will do. What keeps a copy of the database from being a
copy of all secrets is that the key to them is not in it.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from standardwebhooks import Webhook

from trunnion_contract.errors import BadInput

KEY_VARIABLE = "TRUNNION_WEBHOOK_KEY"
_SECRET_BYTES = 32


class SecretUnreadable(Exception):
    """A secret that was encrypted with a key that this bridge does not have."""


class Vault:
    """Encrypts secrets with the first of `keys`, and reads them with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @staticmethod
    def of(told: str, where: str) -> Vault:
        """The vault with the keys in `told`, separated by commas.

        Raises:
            BadInput: one is no key.
        """
        try:
            return Vault([key.strip() for key in told.split(",")])
        except ValueError:
            raise BadInput(
                where=where,
                got="something else",
                wanted="32 bytes in URL-safe base64; several, separated by commas, while keys are changed",
                next_step="make one: openssl rand -base64 32 | tr '+/' '-_'",
            ) from None

    def encrypt(self, secret: str) -> str:
        """What may be written down."""
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """The secret.

        Raises:
            SecretUnreadable: none of the keys fits.
        """
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable from None


def open_vault(data_dir: Path, is_shared: bool) -> Vault | None:
    """The vault with a key that is kept in `data_dir` and made where there is none.

    None with a database that bridges share: the others could not read what this one writes.

    Raises:
        BadInput: the file holds no key.
    """
    path = data_dir / "webhook.key"
    return None if is_shared else Vault.of(_kept_key(path), str(path))


def new_secret() -> str:
    """A secret as receivers want it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(whsecs: Sequence[str], message_id: str, at_s: int, body: str) -> str:
    """The header `webhook-signature`: one signature with each secret, so that receivers may change over in peace."""
    at = datetime.fromtimestamp(at_s, timezone.utc)
    return " ".join(Webhook(secret).sign(message_id, at, body) for secret in whsecs)


def _kept_key(path: Path) -> str:
    """The key in a file that only its owner may read; written beside it first, so that no half of one is ever there."""
    if not path.exists():
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(Fernet.generate_key().decode())
            file.flush()
            os.fsync(descriptor)
        beside.rename(path)
    return path.read_text().strip()
