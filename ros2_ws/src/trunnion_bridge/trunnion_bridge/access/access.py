"""Who calls, and whether they may: with an issuer, or in the development mode with the bridge's own."""

from __future__ import annotations

import math
import os
from contextlib import suppress

from starlette.requests import HTTPConnection

from trunnion_bridge.access.credentials import token_of
from trunnion_bridge.access.issuer import Issuer
from trunnion_bridge.access.key_ring import KeyRing
from trunnion_bridge.access.keys import PREFIX
from trunnion_bridge.access.neighbour import Address, own_name, user_of
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.access.throwaway import ThrowAwayIssuer
from trunnion_bridge.access.tokens import TokenVerifier, unauthenticated
from trunnion_bridge.problem import Refused
from trunnion_bridge.settings import Oidc


class Access:
    """Without `oidc` the development mode: whoever runs the bridge is the admin of it, others may do nothing.

    In either, whoever has one of the bridge's keys may do what the key says.
    """

    def __init__(self, oidc: Oidc | None, keys: KeyRing) -> None:
        self.keys = keys
        self._own = None if oidc else ThrowAwayIssuer()
        if oidc:
            self._verifier = TokenVerifier(Issuer(oidc.issuer), oidc.issuer, oidc.audience, oidc.role_claim)
        elif self._own:
            self._verifier = TokenVerifier(self._own, self._own.URL, self._own.AUDIENCE)

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Who is behind a request.

        Raises:
            Refused: `unauthenticated` or `issuer-away`.
        """
        token = token_of(connection)
        if token is None:
            raise unauthenticated("nothing")
        return await self.caller_with(token)

    async def caller_with(self, token: str) -> Caller:
        """Who has an access token or a key.

        Raises:
            Refused: `unauthenticated` or `issuer-away`.
        """
        if token.startswith(PREFIX):
            return await self.keys.caller(token)
        caller = await self._verifier.caller(token)
        if self._own is None:
            return caller
        if self._own.has_ended(caller):
            raise unauthenticated("a token whose session was ended")
        return caller._replace(via="local")

    async def is_valid(self, caller: Caller) -> bool:
        """Whether a caller who was let in would be let in again."""
        if caller.via == "key":
            return await self.keys.is_valid(caller.name)
        return not (self._own and self._own.has_ended(caller))

    async def session(self, connection: HTTPConnection) -> tuple[str, Caller]:
        """A token for the rest of a session: a new one in the development mode, otherwise the caller's own.

        Raises:
            Refused: `unauthenticated`, `foreign-user` for another user of this machine, `no-session` for a key.
        """
        if self._own:
            client, server = connection.scope.get("client"), connection.scope.get("server")
            token = self._own.token(_own_user(client, server), Role.ADMIN)
            return token, (await self._verifier.caller(token))._replace(via="local")
        caller = await self.caller(connection)
        if caller.via == "key":  # it lasts too long for a cookie
            raise _no_session()
        return token_of(connection) or "", caller

    async def end_session(self, connection: HTTPConnection) -> None:
        """In the development mode the caller's token opens nothing from now on; an issuer's lasts until it expires."""
        if not self._own:
            return
        with suppress(Refused):  # it has ended already, or never was one
            caller = await self.caller(connection)
            if caller.via == "local":
                self._own.end(caller)

    def neighbour(self, client: Address | None, server: Address | None) -> Caller:
        """In the development mode, whoever is at the other end of a connection over loopback, without any token.

        Raises:
            Refused: `unauthenticated` in any other mode, `foreign-user` for another user of this machine.
        """
        if not self._own:
            raise unauthenticated("nothing")
        return Caller(_own_user(client, server), Role.ADMIN, math.inf, "local")


def check_role(caller: Caller, wanted: Role, what: str) -> None:
    """Raises Refused, `role-too-low`, when the caller may not do `what`."""
    if caller.role is not None and caller.role >= wanted:
        return
    raise Refused(
        "role-too-low",
        where=what,
        got=f"{caller.name!a} with {f'the role {caller.role}' if caller.role else 'no role'}",
        wanted=f"the role {wanted} or a higher one",
        next_step="ask whoever gives out roles for it, then get a new token",
    )


def check_area(caller: Caller, area: str, what: str) -> None:
    """Raises Refused, `other-area`, when the caller has a key for other areas."""
    if caller.areas is not None and area not in caller.areas:
        raise Refused(
            "other-area",
            where=what,
            got=f"{caller.name!a}, for {', '.join(sorted(caller.areas))}",
            wanted=f"a key for {area}, or for all",
            next_step="ask whoever gives out keys for another one",
        )


def _no_session() -> Refused:
    return Refused(
        "no-session",
        where="Authorization",
        got="a key",
        wanted="an access token of the issuer",
        next_step="send the key itself with each request, behind Authorization: Bearer",
    )


def _own_user(client: Address | None, server: Address | None) -> str:
    """The name of the user at the other end, who must be the one who runs the bridge: not root, for whom proxies
    run."""
    user = user_of(client, server) if client and server else None
    if user != os.getuid():
        raise Refused(
            "foreign-user",
            where="the user at the other end of the connection",
            got="one that the kernel does not tell" if user is None else f"user {user}",
            wanted=f"user {os.getuid()}, who runs the bridge",
            next_step="ask as that user, or run the bridge with --oidc-issuer",
        )
    return own_name()
