"""The API: its routes and their description, with nothing behind them. `python -m trunnion_bridge.api` prints it."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from trunnion_bridge.access.wanted import ANYONE, ROUTES
from trunnion_bridge.examples import with_examples
from trunnion_bridge.models import Problem
from trunnion_bridge.problem import MEDIA_TYPE
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

# A path is looked for in one after the other: images come first because they come most often.
_ROUTES = (
    *(infer, robots, orders, missions, state, detections, events, camera, snapshots, models),
    *(webhooks, health, metrics, session, keys, audit),
)
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "an access token, or the secret of a key; `x-role` of an operation is the least role",
}
_PROBLEMS: tuple[str, ...] = ("4XX", "5XX")
_DESCRIPTION = """Orders for a robot cell, and what becomes of them.

Orders run one at a time, in the order in which they were posted. The one whose turn it is waits for a robot that is
away, and fails when the robot does not come. Callers send an access token behind
`Authorization: Bearer`; their role (viewer, operator, integrator, admin) says what they may do.

Every error is `application/problem+json` and says where, what was got, what was wanted, and what to do next."""


def new_api(**more: Any) -> FastAPI:
    """The routes in an application that has neither bridge nor guards; `more` is what FastAPI takes."""
    app = FastAPI(
        title="Trunnion bridge",
        version="1",
        description=_DESCRIPTION,
        # The interactive documents load their scripts from elsewhere; this machine may have no network.
        docs_url=None,
        redoc_url=None,
        telemetry={"operation_spans": False, "auto_configure": False},  # tracing.py sets it up
        responses={code: {"model": Problem, "description": "A problem (RFC 9457)"} for code in _PROBLEMS},
        generate_unique_id_function=_operation_id,
        **more,
    )
    app.openapi = partial(_description_of, app)  # type: ignore[method-assign]
    for module in _ROUTES:
        app.include_router(module.router)
    return app


def description() -> dict[str, Any]:
    """What `/openapi.json` says."""
    return new_api().openapi()


def _operation_id(route: APIRoute) -> str:
    """The function's name, from which client generators make theirs."""
    return route.name


def _description_of(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 with what FastAPI has no setting for: the media type of errors, roles, and examples."""
    if not app.openapi_schema:
        FastAPI.openapi(app)
        assert app.openapi_schema
        app.openapi_schema["components"]["securitySchemes"] = {"bearer": _BEARER}
        for path, methods in app.openapi_schema["paths"].items():
            for method, operation in methods.items():
                if (role := ROUTES[method.upper(), path]) is not ANYONE:
                    operation |= {"security": [{"bearer": []}], "x-role": str(role)}
                for problem in _PROBLEMS:
                    content = operation["responses"][problem]["content"]
                    operation["responses"][problem]["content"] = {MEDIA_TYPE: next(iter(content.values()))}
        with_examples(app.openapi_schema)
    return app.openapi_schema


if __name__ == "__main__":
    json.dump(description(), sys.stdout, indent=2)
