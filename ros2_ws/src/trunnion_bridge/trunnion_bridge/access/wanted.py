"""The one table of what each route wants. What is not in it is not there: the table fails closed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

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
    ("DELETE", "/v1/session"): ANYONE,
    ("GET", "/v1/sign-in"): ANYONE,
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
    ("GET", "/v1/robots"): Role.VIEWER,
    ("GET", "/v1/robots/{name}"): Role.VIEWER,
    ("GET", "/v1/missions"): Role.VIEWER,
    ("GET", "/v1/missions/{order_id}"): Role.VIEWER,
    ("GET", "/v1/detections"): Role.VIEWER,
    ("GET", "/v1/models"): Role.VIEWER,
    ("GET", "/v1/models/{digest}"): Role.VIEWER,
    ("GET", "/v1/snapshots"): Role.VIEWER,
    ("GET", "/v1/snapshots/{snapshot_id}"): Role.VIEWER,
    ("GET", "/v1/snapshots/{snapshot_id}/image"): Role.VIEWER,
    ("POST", "/v1/snapshots"): Role.OPERATOR,
    ("DELETE", "/v1/snapshots/{snapshot_id}"): Role.OPERATOR,
    # It changes nothing, but takes the processor of a machine that moves a robot.
    ("POST", "/v1/infer"): Role.OPERATOR,
    ("GET", "/v1/keys"): Role.ADMIN,
    ("POST", "/v1/keys"): Role.ADMIN,
    ("DELETE", "/v1/keys/{key_id}"): Role.ADMIN,
    ("GET", "/v1/audit"): Role.ADMIN,
    ("POST", "/v1/orders"): Role.OPERATOR,
    ("POST", "/v1/orders/{order_id}/cancel"): Role.OPERATOR,
    ("GET", "/v1/webhooks"): Role.INTEGRATOR,
    ("POST", "/v1/webhooks"): Role.INTEGRATOR,
    ("GET", "/v1/webhooks/{webhook_id}"): Role.INTEGRATOR,
    ("DELETE", "/v1/webhooks/{webhook_id}"): Role.INTEGRATOR,
    ("POST", "/v1/webhooks/{webhook_id}/enable"): Role.INTEGRATOR,
    ("POST", "/v1/webhooks/{webhook_id}/secret"): Role.INTEGRATOR,
    ("POST", "/v1/webhooks/{webhook_id}/ping"): Role.INTEGRATOR,
    ("GET", "/v1/webhooks/{webhook_id}/dead-letters"): Role.INTEGRATOR,
    ("POST", "/v1/webhooks/{webhook_id}/redeliver"): Role.INTEGRATOR,
}

# What the audit log calls a change; others are called by their method and route.
ACTIONS: Mapping[tuple[str, str], str] = {
    ("POST", "/v1/session"): "session.open",
    ("DELETE", "/v1/session"): "session.close",
    ("POST", "/v1/orders"): "order.create",
    ("POST", "/v1/orders/{order_id}/cancel"): "order.cancel",
    ("POST", "/v1/snapshots"): "snapshot.take",
    ("DELETE", "/v1/snapshots/{snapshot_id}"): "snapshot.delete",
    ("POST", "/v1/keys"): "key.create",
    ("DELETE", "/v1/keys/{key_id}"): "key.revoke",
    ("POST", "/v1/webhooks"): "webhook.create",
    ("DELETE", "/v1/webhooks/{webhook_id}"): "webhook.delete",
    ("POST", "/v1/webhooks/{webhook_id}/enable"): "webhook.enable",
    ("POST", "/v1/webhooks/{webhook_id}/secret"): "webhook.change_secret",
    ("POST", "/v1/webhooks/{webhook_id}/ping"): "webhook.ping",
    ("POST", "/v1/webhooks/{webhook_id}/redeliver"): "webhook.redeliver",
}
# Those that change nothing, whatever their method says.
LOOKS = frozenset({("POST", "/v1/infer")})


def area_of(path: str) -> str:
    """The area of a route, to which a key may be restricted: `camera` for /v1/camera.jpg."""
    return path.removeprefix("/v1").lstrip("/").split("/")[0].split(".")[0]


AREAS = frozenset(area_of(path) for (_, path), role in ROUTES.items() if role is not ANYONE)


def check_areas(areas: Iterable[str] | None, within: frozenset[str] | None = None) -> None:
    """Raises Refused where a key for `areas` (None is all) would open what is none, or is not in `within`."""
    open_to = AREAS if within is None else within
    strange = sorted(set(areas) - open_to) if areas is not None else [] if within is None else ["all"]
    if strange:
        raise Refused(
            "unknown-area",
            where="body.areas",
            got=ascii(strange[0]),
            wanted=f"some of {', '.join(sorted(open_to))}",
            next_step="choose from those, or leave the areas out",
        )


class _Row(NamedTuple):
    method: str
    path: str
    role: Role | None
    pattern: re.Pattern[str]

    def fits(self, path: str) -> re.Match[str] | None:
        """A whole path: `$` in a pattern lets a line end stand behind it, and others compare paths by letter."""
        found = self.pattern.match(path)
        return found if found and found.end() == len(path) else None


class RouteTable:
    """The table, and the page's own files, which anyone may read: there is nothing of the cell in them."""

    def __init__(
        self, page_files: Iterable[str], routes: Mapping[tuple[str, str], Role | None] = ROUTES
    ) -> None:
        page = {(method, path): ANYONE for path in page_files for method in ("GET", "HEAD")}
        self._rows = [
            _Row(method, path, role, _pattern(path)) for (method, path), role in {**page, **routes}.items()
        ]

    def wanted(self, method: str, path: str) -> Role | None:
        """The role that the route wants; where several rows fit, the highest of theirs.

        Raises:
            Refused: `not-found` or `method-not-allowed`.
        """
        fitting = [row for row in self._rows if row.fits(path)]
        roles = [row.role for row in fitting if row.method == method]
        if not fitting or (method == WEBSOCKET and not roles):
            raise _not_found(method, path)
        if not roles:
            raise _not_allowed(method, path, sorted({row.method for row in fitting} - {WEBSOCKET}))
        return max((role for role in roles if role is not None), default=ANYONE)

    def change(self, method: str, path: str) -> tuple[str, str] | None:
        """What the audit log calls the change that a request asks for, and the id of what it is to change.

        None for one that is there to look, or that no route knows.
        """
        if method in ("GET", "HEAD", "OPTIONS"):
            return None
        for row in self._rows:
            found = row.fits(path) if row.method == method else None
            if found and (method, row.path) not in LOOKS:
                name = ACTIONS.get((method, row.path), f"{method} {row.path}")
                return name, next(iter(found.groupdict().values()), "")
        return None


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
