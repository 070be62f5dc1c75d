"""The development mode's own issuer: its key is made at each start, is nowhere written, and ends with the process."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from joserfc import jwt
from joserfc.jwk import ECKey

from trunnion_bridge.access.issuer import PublicKey
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.access.tokens import LEEWAY_S

LIFETIME_S = 12 * 3600


class ThrowAwayIssuer:
    """Signs tokens for callers whom the kernel vouches for."""

    URL = "urn:trunnion:throw-away-issuer"
    AUDIENCE = "trunnion"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._key = ECKey.generate_key("P-256", auto_kid=True)
        self._clock = clock
        self._ended: dict[str, float] = {}

    async def find(self, kid: str | None) -> PublicKey | None:
        """See KeySource."""
        return self._key if kid == self._key.kid else None

    def token(self, name: str, role: Role) -> str:
        """An access token."""
        now_s = int(self._clock())
        claims = {
            "iss": self.URL,
            "aud": self.AUDIENCE,
            "sub": name,
            "roles": [str(role)],
            "iat": now_s,
            "exp": now_s + LIFETIME_S,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.kid, "typ": "at+jwt"}, claims, self._key)

    def end(self, caller: Caller) -> None:
        """Let the token that the caller came with open nothing any more."""
        now_s = self._clock()
        self._ended = {kept: end_s for kept, end_s in self._ended.items() if end_s > now_s}
        self._ended[caller.token_id] = caller.expires_s + LEEWAY_S

    def has_ended(self, caller: Caller) -> bool:
        """Whether the session that the caller's token was given for was ended."""
        return caller.token_id in self._ended
