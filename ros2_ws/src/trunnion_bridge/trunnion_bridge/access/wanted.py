"""The one table of what each route wants. What is not in it is not there: the table fails closed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from starlette.routing import compile_path

from trunnion_bridge.access.roles import Role
from trunnion_bridge.problem import Refused

ANYONE = None
WEBSOCKET = "WEBSOCKET"

ROUTES: Mapping[tuple[str, str], Role | None] = {
    # Those who watch over a process ask before they have a token.
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/openapi.json"): ANYONE,
    ("HEAD", "/openapi.json"): ANYONE,
    # Where a token is had, or given for a cookie.
    ("POST", "/v1/session"): ANYONE,
    ("GET", "/metrics"): Role.VIEWER,
    ("GET", "/v1/state"): Role.VIEWER,
    ("GET", "/v1/camera.jpg"): Role.VIEWER,
    ("GET", "/v1/camera.mjpeg"): Role.VIEWER,
    (WEBSOCKET, "/v1/camera"): Role.VIEWER,
    (WEBSOCKET, "/v1/events"): Role.VIEWER,
    ("GET", "/v1/events"): Role.VIEWER,
    ("GET", "/v1/orders"): Role.VIEWER,
    ("GET", "/v1/orders/{order_id}"): Role.VIEWER,
    ("GET", "/v1/orders/{order_id}/events"): Role.VIEWER,
    # It changes nothing, but takes the processor of a machine that moves a robot.
    ("POST", "/v1/infer"): Role.OPERATOR,
    ("POST", "/v1/orders"): Role.OPERATOR,
    ("POST", "/v1/orders/{order_id}/cancel"): Role.OPERATOR,
}


class RouteTable:
    """The table, and the page's own files, which anyone may read: there is nothing of the cell in them."""

    def __init__(
        self, page_files: Iterable[str], routes: Mapping[tuple[str, str], Role | None] = ROUTES
    ) -> None:
        page = {(method, path): ANYONE for path in page_files for method in ("GET", "HEAD")}
        self._rows = [(method, _pattern(path), role) for (method, path), role in {**page, **routes}.items()]

    def wanted(self, method: str, path: str) -> Role | None:
        """The role that the route wants; where several rows fit, the highest of theirs.

        Raises:
            Refused: `not-found` or `method-not-allowed`.
        """
        fitting = [(row_method, role) for row_method, pattern, role in self._rows if pattern.match(path)]
        roles = [role for row_method, role in fitting if row_method == method]
        if not fitting or (method == WEBSOCKET and not roles):
            raise _not_found(method, path)
        if not roles:
            raise _not_allowed(method, path, sorted({row_method for row_method, _ in fitting} - {WEBSOCKET}))
        return max((role for role in roles if role is not None), default=ANYONE)


def _pattern(path: str) -> re.Pattern[str]:
    return compile_path(path)[0]


def _not_found(method: str, path: str) -> Refused:
    return Refused(
        "not-found",
        where=path,
        got=f"{method} {path}",
        wanted="a path of this API",
        next_step="see /openapi.json for what the bridge offers",
    )


def _not_allowed(method: str, path: str, allowed: list[str]) -> Refused:
    return Refused(
        "method-not-allowed",
        where=path,
        got=f"{method} {path}",
        wanted=f"one of {', '.join(allowed)}" if allowed else "a WebSocket",
        next_step="see /openapi.json for what the bridge offers",
        headers={"Allow": ", ".join(allowed)},
    )
