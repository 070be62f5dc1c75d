"""The development mode's own issuer: its key is made at each start, is nowhere written, and ends with the process."""

from __future__ import annotations

import time
from collections.abc import Callable

from joserfc import jwt
from joserfc.jwk import ECKey

from trunnion_bridge.access.issuer import PublicKey
from trunnion_bridge.access.roles import Role

LIFETIME_S = 12 * 3600


class ThrowAwayIssuer:
    """Signs tokens for callers whom the kernel vouches for."""

    URL = "urn:trunnion:throw-away-issuer"
    AUDIENCE = "trunnion"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._key = ECKey.generate_key("P-256", auto_kid=True)
        self._clock = clock

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
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.kid, "typ": "at+jwt"}, claims, self._key)
