"""The bridge's certificate, looked at before anything is started."""

from __future__ import annotations

import ssl
from pathlib import Path

from trunnion_contract.errors import BadInput


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Raises BadInput where TLS could not begin with these files, both PEM; the key may stand in the certificate's."""
    if certificate is None:
        if key is not None:
            raise _refused("--tls-key", "a key without a certificate", "--tls-cert, too")
        return
    try:
        # An encrypted key would have a server ask a terminal for its password.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error.strerror if isinstance(error, OSError) else error
        got = f"{certificate}{f' with {key}' if key else ''}, which cannot be used ({reason})"
        raise _refused(
            "--tls-cert", got, "a certificate chain and its own key, as PEM without a password"
        ) from None


def _refused(where: str, got: str, wanted: str) -> BadInput:
    return BadInput(where=where, got=got, wanted=wanted, next_step="name files that belong together, or none")
