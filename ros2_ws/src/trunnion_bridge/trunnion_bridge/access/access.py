"""Who calls, and whether they may: with an issuer, or in the development mode with the bridge's own."""

from __future__ import annotations

import os
import pwd

from starlette.requests import HTTPConnection

from trunnion_bridge.access.credentials import token_of
from trunnion_bridge.access.issuer import Issuer
from trunnion_bridge.access.neighbour import user_of
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.access.throwaway import ThrowAwayIssuer
from trunnion_bridge.access.tokens import TokenVerifier, unauthenticated
from trunnion_bridge.problem import Refused
from trunnion_bridge.settings import Oidc


class Access:
    """Without `oidc` the development mode: whoever runs the bridge is the admin of it, others may do nothing."""

    def __init__(self, oidc: Oidc | None) -> None:
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
        return await self._verifier.caller(token)

    async def session(self, connection: HTTPConnection) -> tuple[str, Caller]:
        """A token for the rest of a session: a new one in the development mode, otherwise the caller's own.

        Raises:
            Refused: `unauthenticated`, or `foreign-user` for another user of this machine.
        """
        if self._own:
            token = self._own.token(_own_user(connection), Role.ADMIN)
            return token, await self._verifier.caller(token)
        return token_of(connection) or "", await self.caller(connection)


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


def _own_user(connection: HTTPConnection) -> str:
    """The name of the user at the other end, who must be the one who runs the bridge: not root, for whom proxies
    run."""
    client, server = connection.scope.get("client"), connection.scope.get("server")
    user = user_of(tuple(client), tuple(server)) if client and server else None
    if user != os.getuid():
        raise Refused(
            "foreign-user",
            where="the user at the other end of the connection",
            got="one that the kernel does not tell" if user is None else f"user {user}",
            wanted=f"user {os.getuid()}, who runs the bridge",
            next_step="ask as that user, or run the bridge with --oidc-issuer",
        )
    return _name_of(user)


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # as in containers, where users need no name
        return f"user {user}"
