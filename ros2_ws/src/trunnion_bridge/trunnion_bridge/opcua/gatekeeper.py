"""From the identity token of OPC UA to the caller whom REST would know: the same keys, access tokens and roles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from asyncua import ua
from asyncua.crypto import uacrypto

from trunnion_bridge.access.access import Access, check_area, check_role
from trunnion_bridge.access.admission import end_s
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.access.tokens import unauthenticated
from trunnion_bridge.problem import Refused

_Result = TypeVar("_Result")
AREAS = ("state", "orders")  # of REST: what the nodes show
JWT = "http://opcfoundation.org/UA/UserToken#JWT"
_DECRYPT = {
    # Not RSA 1.5, which tells too much about what it decrypts.
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep": uacrypto.decrypt_rsa_oaep,
    "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256": uacrypto.decrypt_rsa_oaep_sha256,
}


class Gatekeeper:
    """Used on the loop of OPC UA; asks on the bridge's own, where tokens are verified."""

    def __init__(
        self, access: Access, bridge_loop: asyncio.AbstractEventLoop, private_key: Any, *, anonymous: bool
    ) -> None:
        self._access = access
        self._loop = bridge_loop
        self._private_key = private_key
        self._anonymous = anonymous

    async def caller(self, token: Any, nonce: bytes, client: Any, server: Any) -> Caller:
        """Who is behind an identity token that came from `client` to `server`, addresses with ports.

        Raises:
            Refused: `unauthenticated`, `issuer-away`, `foreign-user`, or `role-too-low` and `other-area` for one who
                may not look.
        """
        if isinstance(token, ua.UserNameIdentityToken):
            secret = self._plain(token.Password, token.EncryptionAlgorithm, nonce)
            caller = await self.on_bridge(self._access.caller_with(secret))
        elif isinstance(token, ua.IssuedIdentityToken):
            secret = self._plain(token.TokenData, token.EncryptionAlgorithm, nonce)
            caller = await self.on_bridge(self._access.caller_with(secret))
        elif self._anonymous and _is_anonymous(token):
            caller = self._access.neighbour(tuple(client[:2]), tuple(server[:2]))
        else:
            raise unauthenticated("an identity token that names no user of this bridge")
        check_role(caller, Role.VIEWER, "a session of OPC UA")
        for area in AREAS:
            check_area(caller, area, "a session of OPC UA")
        return caller

    async def is_valid(self, caller: Caller) -> bool:
        """Whether a caller who was let in would be let in again; on the bridge's loop."""
        return end_s(caller) > time.time() and await self._access.is_valid(caller)

    async def on_bridge(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """What a coroutine gives that belongs to the bridge's own loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _plain(self, secret: bytes | None, algorithm: str | None, nonce: bytes) -> str:
        """A secret as its owner knows it: in the channel's encryption alone, or encrypted with a nonce behind it."""
        try:
            if not algorithm:
                return (secret or b"").decode()
            decrypted: bytes = _DECRYPT[algorithm](self._private_key, secret)
            length = int.from_bytes(decrypted[:4], "little") - len(nonce)
            if length < 0 or decrypted[4 + length : 4 + length + len(nonce)] != nonce:
                raise ValueError
            return decrypted[4 : 4 + length].decode()
        except (KeyError, ValueError, TypeError):
            raise unauthenticated("a secret that cannot be decrypted") from None


def _is_anonymous(token: Any) -> bool:
    """No token at all counts as one without a name."""
    is_null = isinstance(token, ua.ExtensionObject) and token.TypeId == ua.NodeId(ua.ObjectIds.Null)
    return is_null or isinstance(token, ua.AnonymousIdentityToken)


def other_user(caller: Caller) -> Refused:
    """The refusal of one who takes up the session of another."""
    return Refused(
        "role-too-low",
        where="a session of OPC UA",
        got=f"{caller.name!a} for the session of another",
        wanted="the user who opened it",
        next_step="open a session of your own",
    )
