"""The web application."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles

from trunnion_bridge import problem, trouble
from trunnion_bridge.access.admission import Admission
from trunnion_bridge.access.pace import Pace
from trunnion_bridge.access.trail import Trail
from trunnion_bridge.answers import Answers
from trunnion_bridge.api import new_api
from trunnion_bridge.bridge import Bridge
from trunnion_bridge.catalogue import read_catalogue
from trunnion_bridge.correlation import HEADER, RequestId
from trunnion_bridge.guard import BodyLimit, Guard, RequestClock
from trunnion_bridge.refusals import Refusals
from trunnion_bridge.routes import infer
from trunnion_bridge.settings import Settings

_PAGE = Path(__file__).with_name("page")

# Without credentials: a cookie is the own page's, other sites send a token of their own.
_CORS: dict[str, Any] = {
    "allow_methods": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "allow_headers": ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", HEADER),
    "expose_headers": ("Location", "Retry-After", "X-Stamp-Ns", HEADER),
}


def _page_files() -> list[str]:
    """The paths of the page's files."""
    return ["/", *(f"/{file.relative_to(_PAGE)}" for file in _PAGE.rglob("*") if file.is_file())]


@asynccontextmanager
async def _opcua(bridge: Bridge, listener: socket.socket | None) -> AsyncIterator[None]:
    """OPC UA for as long as the block lasts, where it is wanted."""
    if not bridge.settings.opcua or not listener:
        yield
        return
    from trunnion_bridge.opcua.server import OpcUaServer  # slow to import, and few want it

    server = OpcUaServer(bridge, bridge.settings.opcua, listener)
    await server.start()
    bridge.opcua = server
    try:
        yield
    finally:
        await server.stop()


def create_app(settings: Settings, opcua_listener: socket.socket | None = None) -> FastAPI:
    """The application for one cell. The robot is joined when the server starts, not before.

    Raises:
        BadInput: the bundle cannot be used.
    """
    bridge = Bridge(settings, read_catalogue(settings.bundle))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with bridge.running(), _opcua(bridge, opcua_listener):
            yield

    app = new_api(lifespan=lifespan)
    app.state.bridge = bridge
    problem.install(app)
    trouble.install(app)
    app.mount("/", StaticFiles(directory=_PAGE, html=True), name="page")
    body: dict[str, Any] = {"max_bytes": settings.body_max_bytes, "within_s": settings.limits.body_within_s}
    app.add_middleware(BodyLimit, **body, except_for=(infer.PATH,))
    pace = Pace(settings.limits)
    app.add_middleware(Admission, access=bridge.access, pace=pace, page_files=_page_files())
    if settings.allow_origins:
        app.add_middleware(CORSMiddleware, **_CORS, allow_origins=settings.allow_origins)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Trail, clerk=bridge.clerk, page_files=_page_files())
    oidc = settings.oidc
    app.add_middleware(Answers, connects_to=oidc.origin if oidc and oidc.client_id else "")
    app.add_middleware(Refusals, on_refused=bridge.metrics.refuse)
    app.add_middleware(RequestClock, metrics=bridge.metrics)
    app.add_middleware(RequestId)
    return app
