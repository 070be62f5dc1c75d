"""An OpenID provider: found by its discovery document, its keys kept and fetched anew when they change."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key

from trunnion_bridge.problem import Refused

PublicKey = RSAKey | ECKey | OKPKey
_TIMEOUT_S = 5.0
_FRESH_S = 600.0
_USABLE_S = 24 * 3600.0
_log = logging.getLogger("trunnion.bridge")


class KeySource(Protocol):
    """Where the keys come from that tokens are signed with."""

    async def find(self, kid: str | None) -> PublicKey | None:
        """The key of that id; without an id the only key there is; None when there is none such."""


class Issuer:
    """The provider at `url`. An id that is not known has the keys fetched, at most once in `refetch_min_s`.

    Keys are fetched anew after ten minutes; while the provider is away the old ones serve for a day.
    """

    def __init__(
        self, url: str, refetch_min_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._refetch_min_s = refetch_min_s
        self._clock = clock
        self._keys: dict[str | None, PublicKey] = {}
        self._fetched_s = self._tried_s = float("-inf")
        self._lock = asyncio.Lock()
        self.fetches = 0

    async def find(self, kid: str | None) -> PublicKey | None:
        """See KeySource.

        Raises:
            Refused: `issuer-away`, when no key that is fit for use was ever had.
        """
        if self._age_s() > _FRESH_S or self._known(kid) is None:
            await self._refetch(kid)
        if self._age_s() > _USABLE_S:
            raise self._away()
        return self._known(kid)

    def _known(self, kid: str | None) -> PublicKey | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _age_s(self) -> float:
        return self._clock() - self._fetched_s

    async def _refetch(self, kid: str | None) -> None:
        async with self._lock:
            # Another caller may have done it while this one waited for the lock.
            if self._clock() - self._tried_s < self._refetch_min_s:
                return
            self._tried_s = self._clock()
            self.fetches += 1
            try:
                self._keys = _signing_keys(await self._fetch())
                self._fetched_s = self._clock()
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
                _log.warning("the keys of %s cannot be had: %s", self._url, error or type(error).__name__)

    async def _fetch(self) -> Any:
        # The issuer is named by us; where it would send us to is not.
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client:
            base = self._url.rstrip("/")
            found = (await client.get(f"{base}/.well-known/openid-configuration")).raise_for_status().json()
            if found["issuer"] != self._url:
                raise ValueError(f"its discovery document is of another issuer, {found['issuer']!a}")
            if self._url.startswith("https:") and not str(found["jwks_uri"]).startswith("https:"):
                raise ValueError("its keys are not behind https")
            return (await client.get(found["jwks_uri"])).raise_for_status().json()["keys"]

    def _away(self) -> Refused:
        return Refused(
            "issuer-away",
            where="the issuer of tokens",
            got=f"no keys from {self._url}",
            wanted="its discovery document and its keys",
            next_step="see whether the bridge can reach it; its log says why not. Then send the request again",
            headers={"Retry-After": str(int(self._refetch_min_s) + 1)},
        )


def _signing_keys(documents: list[dict[str, Any]]) -> dict[str | None, PublicKey]:
    """The public keys that may sign; what this version cannot read is left out, symmetric keys are, too."""
    keys: dict[str | None, PublicKey] = {}
    for document in documents:
        if document.get("use", "sig") != "sig":
            continue
        try:
            key = import_key(document)
        except (JoseError, ValueError, KeyError, TypeError):
            continue
        if not isinstance(key, OctKey):
            keys[document.get("kid")] = key
    return keys
