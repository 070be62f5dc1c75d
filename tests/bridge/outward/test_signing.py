"""Signatures are those of Standard Webhooks, and secrets are not in the database as they are."""

from __future__ import annotations

import time

import pytest
from cryptography.fernet import Fernet
from standardwebhooks import Webhook, WebhookVerificationError

from trunnion_bridge.outward.signing import SecretUnreadable, Vault, new_secret, open_vault, signature
from trunnion_contract.errors import BadInput


def headers(*secrets: str, body: str = "{}") -> dict[str, str]:
    at_s = int(time.time())
    return {
        "webhook-id": "a.1",
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature(secrets, "a.1", at_s, body),
    }


def test_a_receiver_with_either_secret_takes_a_message_and_one_with_another_does_not() -> None:
    new, old, other = new_secret(), new_secret(), new_secret()
    signed = headers(new, old)

    for secret in (new, old):
        assert Webhook(secret).verify("{}", signed) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify("{}", signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify('{"altered":1}', signed)


def test_what_is_written_down_does_not_hold_the_secret_and_needs_the_key() -> None:
    keys, secret = [Fernet.generate_key().decode() for _ in range(2)], new_secret()
    written = Vault(keys[:1]).encrypt(secret)

    assert secret.removeprefix("whsec_") not in written
    assert Vault([keys[1], keys[0]]).decrypt(written) == secret
    with pytest.raises(SecretUnreadable):
        Vault(keys[1:]).decrypt(written)


def test_a_key_is_made_once_for_the_owner_alone_and_never_beside_a_shared_database(tmp_path) -> None:
    written = open_vault(tmp_path, is_shared=False).encrypt("a secret")

    assert open_vault(tmp_path, is_shared=False).decrypt(written) == "a secret"
    assert (tmp_path / "webhook.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["webhook.key"]
    assert open_vault(tmp_path, is_shared=True) is None


def test_something_else_than_a_key_is_refused_and_not_repeated(tmp_path) -> None:
    (tmp_path / "webhook.key").write_text("hunter2")
    with pytest.raises(BadInput, match="URL-safe base64") as refusal:
        open_vault(tmp_path, is_shared=False)
    assert "hunter2" not in str(refusal.value)
