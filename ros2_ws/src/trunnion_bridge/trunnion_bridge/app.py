"""The web application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
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
from trunnion_bridge.bridge import Bridge
from trunnion_bridge.catalogue import read_catalogue
from trunnion_bridge.correlation import HEADER, RequestId
from trunnion_bridge.guard import BodyLimit, Guard, RequestClock
from trunnion_bridge.models import Problem
from trunnion_bridge.routes import (
    audit,
    camera,
    detections,
    events,
    health,
    infer,
    keys,
    metrics,
    missions,
    models,
    orders,
    robots,
    session,
    snapshots,
    state,
    webhooks,
)
from trunnion_bridge.settings import Settings

_PAGE = Path(__file__).with_name("page")
_ROUTES = (
    *(robots, orders, missions, state, detections, events, camera, snapshots, models, infer),
    *(webhooks, health, metrics, session, keys, audit),
)
_DESCRIPTION = """Orders for a robot cell, and what becomes of them.

Orders run one at a time, in the order in which they were posted. The one whose turn it is waits for a robot that is
away, and fails when the robot does not come. Callers send an access token behind
`Authorization: Bearer`; their role (viewer, operator, integrator, admin) says what they may do.

Every error is `application/problem+json` and says where, what was got, what was wanted, and what to do next."""

# Without credentials: a cookie is the own page's, other sites send a token of their own.
_CORS: dict[str, Any] = {
    "allow_methods": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "allow_headers": ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", HEADER),
    "expose_headers": ("Location", "Retry-After", "X-Stamp-Ns", HEADER),
}


def _description_of(app: FastAPI) -> dict[str, Any]:
    """OpenAPI in which errors have their own media type, for which FastAPI has no setting."""
    if not app.openapi_schema:
        FastAPI.openapi(app)
        assert app.openapi_schema
        for methods in app.openapi_schema["paths"].values():
            for operation in methods.values():
                content = operation["responses"]["4XX"]["content"]
                operation["responses"]["4XX"]["content"] = {problem.MEDIA_TYPE: next(iter(content.values()))}
    return app.openapi_schema


def _page_files() -> list[str]:
    """The paths of the page's files."""
    return ["/", *(f"/{file.relative_to(_PAGE)}" for file in _PAGE.rglob("*") if file.is_file())]


def create_app(settings: Settings) -> FastAPI:
    """The application for one cell. The robot is joined when the server starts, not before.

    Raises:
        BadInput: the bundle cannot be used.
    """
    bridge = Bridge(settings, read_catalogue(settings.bundle))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with bridge.running():
            yield

    app = FastAPI(
        title="Trunnion bridge",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        # The interactive documents load their scripts from elsewhere; this machine may have no network.
        docs_url=None,
        redoc_url=None,
        telemetry={"operation_spans": False, "auto_configure": False},  # tracing.py sets it up
        responses={"4XX": {"model": Problem, "description": "A problem (RFC 9457)"}},
    )
    app.openapi = partial(_description_of, app)  # type: ignore[method-assign]
    app.state.bridge = bridge
    problem.install(app)
    trouble.install(app)
    for module in _ROUTES:
        app.include_router(module.router)
    app.mount("/", StaticFiles(directory=_PAGE, html=True), name="page")
    body: dict[str, Any] = {"max_bytes": settings.body_max_bytes, "within_s": settings.limits.body_within_s}
    app.add_middleware(BodyLimit, **body, except_for=(infer.PATH,))
    pace = Pace(settings.limits)
    app.add_middleware(Admission, access=bridge.access, pace=pace, page_files=_page_files())
    if settings.allow_origins:
        app.add_middleware(CORSMiddleware, **_CORS, allow_origins=settings.allow_origins)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Trail, log=bridge.audit, page_files=_page_files())
    oidc = settings.oidc
    app.add_middleware(Answers, connects_to=oidc.origin if oidc and oidc.client_id else "")
    app.add_middleware(RequestClock, metrics=bridge.metrics)
    app.add_middleware(RequestId)
    return app
