"""A token and a cookie for those who work at the bridge's own machine, a cookie for those who have a token."""

from __future__ import annotations

from datetime import datetime, timezone

from fastapi import APIRouter, Request, Response

from trunnion_bridge.access.credentials import cookie_name
from trunnion_bridge.access.models import SignIn
from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.models import Session

router = APIRouter(tags=["access"])


@router.post("/v1/session", status_code=201)
async def open_session(bridge: TheBridge, request: Request, response: Response) -> Session:
    """Open a session, and set its cookie.

    In development mode, for the user who runs the bridge: the kernel says who is at the other end. With an issuer, for
    whoever sends a token of it; the session ends when the token does.
    """
    token, caller = await bridge.access.session(request)
    request.state.caller = caller  # for the audit log
    response.set_cookie(
        cookie_name(request.scope),
        token,
        httponly=True,
        samesite="strict",
        # Behind a proxy that speaks TLS only the page knows how it came.
        secure="https" in (request.url.scheme, request.headers.get("origin", "").partition(":")[0]),
    )
    response.headers["Cache-Control"] = "no-store"
    return Session(
        token=token,
        name=caller.name,
        role=str(caller.role) if caller.role else None,
        expires_at=datetime.fromtimestamp(caller.expires_s, timezone.utc),
    )


@router.delete("/v1/session", status_code=204)
def close_session(request: Request, response: Response) -> None:
    """Take the cookie back. Its token lasts until it expires, and the issuer's own session is not touched."""
    response.delete_cookie(cookie_name(request.scope), httponly=True, samesite="strict")


@router.get("/v1/sign-in")
def sign_in(bridge: TheBridge) -> SignIn:
    """Where the page signs its reader in."""
    oidc = bridge.settings.oidc
    if oidc is None or not oidc.client_id:
        return SignIn(issuer=None, client_id=None, scope=None, resource=None)
    return SignIn(issuer=oidc.issuer, client_id=oidc.client_id, scope=oidc.scope, resource=oidc.resource)
