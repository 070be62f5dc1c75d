"""A token and a cookie for those who work at the bridge's own machine, a cookie for those who have a token."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from fastapi import APIRouter, Request, Response

from trunnion_bridge.access.credentials import cookie_name, hint_name, hint_of
from trunnion_bridge.access.models import SessionEnd, SessionRequest, SignIn
from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.models import Session

router = APIRouter(tags=["access"])
_PATH = "/v1/session"
_UNREAD: dict[str, Any] = {"httponly": True, "samesite": "strict"}


@router.post(_PATH, status_code=201)
async def open_session(
    bridge: TheBridge, request: Request, response: Response, given: SessionRequest | None = None
) -> Session:
    """Open a session, and set its cookie.

    In development mode, for the user who runs the bridge: the kernel says who is at the other end. With an issuer, for
    whoever sends a token of it; the session ends when the token does. The ID token is not looked at.
    """
    token, caller = await bridge.access.session(request)
    request.state.caller = caller  # for the audit log
    # Behind a proxy that speaks TLS only the page knows how it came.
    is_tls = "https" in (request.url.scheme, request.headers.get("origin", "").partition(":")[0])
    response.set_cookie(cookie_name(request.scope), token, secure=is_tls, **_UNREAD)
    if given and given.id_token:
        response.set_cookie(hint_name(request.scope), given.id_token, path=_PATH, secure=is_tls, **_UNREAD)
    response.headers["Cache-Control"] = "no-store"
    return Session(
        token=token,
        name=caller.name,
        role=str(caller.role) if caller.role else None,
        expires_at=datetime.fromtimestamp(caller.expires_s, timezone.utc),
    )


@router.delete(_PATH)
async def close_session(bridge: TheBridge, request: Request, response: Response) -> SessionEnd:
    """Take the cookie back. In development mode its token opens nothing any more.

    An issuer's token lasts until it expires; the issuer's own session the page ends, by the ID token that it gets back.
    """
    await bridge.access.end_session(request)
    response.delete_cookie(cookie_name(request.scope), **_UNREAD)
    response.delete_cookie(hint_name(request.scope), path=_PATH, **_UNREAD)
    response.headers["Cache-Control"] = "no-store"
    return SessionEnd(id_token=hint_of(request))


@router.get("/v1/sign-in")
def sign_in(bridge: TheBridge) -> SignIn:
    """Where the page signs its reader in."""
    oidc = bridge.settings.oidc
    if oidc is None or not oidc.client_id:
        return SignIn(issuer=None, client_id=None, scope=None, resource=None)
    return SignIn(issuer=oidc.issuer, client_id=oidc.client_id, scope=oidc.scope, resource=oidc.resource)
