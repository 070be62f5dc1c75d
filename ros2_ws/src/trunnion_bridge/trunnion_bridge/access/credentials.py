"""Where a caller's token stands in a request: the Authorization header, a WebSocket's subprotocol, or the cookie."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import Scope

SUBPROTOCOL = "trunnion"
_BEARER_SUBPROTOCOL = "bearer."
_SAFE = ("GET", "HEAD")


def token_of(connection: HTTPConnection) -> str | None:
    """The token; None when there is none. Never the query string's, which ends up in logs."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme:
        return token.strip() if scheme.lower() == "bearer" else ""
    for offered in connection.scope.get("subprotocols", ()):
        if offered.startswith(_BEARER_SUBPROTOCOL):
            return str(offered.removeprefix(_BEARER_SUBPROTOCOL))
    return connection.cookies.get(cookie_name(connection.scope)) if _may_use_cookie(connection) else None


def cookie_name(scope: Scope) -> str:
    """Cookies do not tell ports apart, so that two bridges on one machine need two names."""
    return f"trunnion_session_{(scope.get('server') or ('', 0))[1]}"


def hint_of(connection: HTTPConnection) -> str | None:
    """The ID token that was left here for the end of the session; None when there is none."""
    return connection.cookies.get(hint_name(connection.scope)) if _may_use_cookie(connection) else None


def hint_name(scope: Scope) -> str:
    """The cookie with the ID token."""
    return f"{cookie_name(scope)}_hint"


def _may_use_cookie(connection: HTTPConnection) -> bool:
    """Browsers send cookies unasked; where something is changed or listened to they name the page that asks, too, and
    the guard has compared that name with ours."""
    origin = connection.headers.get("origin")
    if origin is not None:  # another site that is allowed has tokens of its own
        return is_own(origin, connection.headers.get("host", ""))
    return connection.scope["type"] == "http" and connection.scope["method"] in _SAFE


def is_own(origin: str, host: str) -> bool:
    """Whether a page of that origin came from the bridge that is called `host`."""
    return origin in (f"http://{host}", f"https://{host}")
