"""Roles, each of which may do what the ones before it may, and the caller who has one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple


class Role(IntEnum):
    """What a caller may do: look, order, connect other systems, or say who may."""

    VIEWER = 1
    OPERATOR = 2
    INTEGRATOR = 3
    ADMIN = 4

    def __str__(self) -> str:
        return self.name.lower()


class Caller(NamedTuple):
    """Who calls; `role` is None for one who is known but may do nothing.

    `expires_s` is in Unix time. `via` is how they got in: `oidc`, `key`, `local`, `mqtt` or `host`. `areas` are the
    only ones that are open to them; None is all. `token_id` is the token's own, where it has one.
    """

    name: str
    role: Role | None
    expires_s: float
    via: str = "oidc"
    areas: frozenset[str] | None = None
    token_id: str = ""


def highest_role(claims: Mapping[str, Any], claim: str) -> Role | None:
    """The highest of our roles in `claim`, a name or a dotted path such as `realm_access.roles`."""
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for name in claim.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    named = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return max((role for role in Role if str(role) in named), default=None)
