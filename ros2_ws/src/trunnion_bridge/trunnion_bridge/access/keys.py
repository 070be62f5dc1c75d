"""API keys: long random secrets for machines, of which the bridge keeps a digest only.

A secret of 256 random bits cannot be guessed, however fast its digest is: a slow one would only slow down the bridge.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

PREFIX = "trn_"  # programs that look for leaked secrets can look for it
_FORM = re.compile(r"trn_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


class MintedKey(NamedTuple):
    """A key: `text` is for its owner alone, `key_id` names it without giving it away."""

    key_id: str
    text: str


def mint() -> MintedKey:
    """A new key."""
    key_id = secrets.token_hex(6)
    return MintedKey(key_id, f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}")


def id_of(text: str) -> str | None:
    """The id in a key; None for what has not the form of one."""
    found = _FORM.fullmatch(text)
    return found[1] if found else None


def digest_of(text: str) -> str:
    """What is kept of a key: SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def fits(text: str, digest: str) -> bool:
    """Whether `digest` is the key's, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(digest_of(text), digest)
