"""From a token to its caller: OpenID Connect access tokens as signed JWTs (RFC 7519, RFC 9068, RFC 8725)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    JoseError,
    MissingClaimError,
)

from trunnion_bridge.access.issuer import KeySource, PublicKey
from trunnion_bridge.access.roles import Caller, highest_role
from trunnion_bridge.problem import Refused

# Asymmetric ones only: with these a public key cannot be taken for a shared secret.
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
LEEWAY_S = 30
_TYPES = ("jwt", "at+jwt", "application/at+jwt")
_SIZE_MAX = 16 * 1024
_PROVEN_MAX = 1000
CHALLENGE = 'Bearer realm="trunnion"'


class _Proven(NamedTuple):
    """A token whose signature fits `key`, which it does for as long as the issuer has that key."""

    kid: str | None
    key: PublicKey
    claims: dict[str, Any]


class TokenVerifier:
    """Takes tokens of one issuer for one audience; `clock` is Unix time in seconds.

    The signature of a token that comes again is not computed again; its claims are looked at each time.
    """

    def __init__(
        self,
        keys: KeySource,
        issuer: str,
        audience: str,
        role_claim: str = "roles",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._role_claim = role_claim
        self._proven: OrderedDict[str, _Proven] = OrderedDict()
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def caller(self, token: str) -> Caller:
        """Who has this token.

        Raises:
            Refused: `unauthenticated`, saying what is wrong with the token; `issuer-away`.
        """
        proven = self._proven.get(token)
        kid = proven.kid if proven else _header(token).get("kid")
        key = await self._keys.find(kid)
        if key is None:
            raise unauthenticated("a token signed with a key that the issuer does not publish")
        try:
            if proven is None or proven.key is not key:
                proven = _Proven(kid, key, jwt.decode(token, key, algorithms=ALGORITHMS).claims)
            claims = proven.claims
            self._registry.validate(claims)
        except BadSignatureError:
            raise unauthenticated("a token whose signature does not fit") from None
        except ExpiredTokenError:
            raise unauthenticated("a token that has expired") from None
        except (InvalidClaimError, MissingClaimError) as error:
            raise unauthenticated(f"a token whose claim is not right ({error.description})") from None
        except (JoseError, ValueError, TypeError):
            raise unauthenticated("a token that does not fit the issuer's key") from None
        self._keep(token, proven)
        role = highest_role(claims, self._role_claim)
        return Caller(claims["sub"], role, float(claims["exp"]), token_id=str(claims.get("jti", "")))

    def _keep(self, token: str, proven: _Proven) -> None:
        """Only what the issuer signed is kept, so that nobody else can fill the memory."""
        self._proven[token] = proven
        self._proven.move_to_end(token)
        if len(self._proven) > _PROVEN_MAX:
            self._proven.popitem(last=False)


def unauthenticated(got: str) -> Refused:
    """The refusal of a caller who is not known."""
    error = "" if got == "nothing" else ', error="invalid_token"'
    return Refused(
        "unauthenticated",
        where="Authorization",
        got=got,
        wanted="Bearer and an access token of the issuer, for this bridge and of this moment",
        next_step="get a new token; on the bridge's own machine POST /v1/session gives one in development mode",
        headers={"WWW-Authenticate": CHALLENGE + error},
    )


def _header(token: str) -> dict[str, Any]:
    """The header of a token, of which nothing is proven yet."""
    if len(token) > _SIZE_MAX:
        raise unauthenticated(f"a token of {len(token)} characters")
    try:
        header: dict[str, Any] = dict(jws.extract_compact(token.encode()).headers())
    except (JoseError, ValueError, TypeError, AttributeError):
        raise unauthenticated("something that is no signed JWT") from None
    algorithm, kind, kid = header.get("alg"), header.get("typ", "JWT"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise unauthenticated(f"a token with the algorithm {algorithm!a}")
    if str(kind).lower() not in _TYPES or not isinstance(kid, (str, type(None))):
        raise unauthenticated("a signed JWT that is no access token")
    return header
