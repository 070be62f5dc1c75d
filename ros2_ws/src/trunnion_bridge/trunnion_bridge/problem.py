"""Errors as `application/problem+json` (RFC 9457), with the four things a caller needs: where, got, wanted, next."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from trunnion_bridge.correlation import HEADER, request_id
from trunnion_contract.errors import BadInput

MEDIA_TYPE = "application/problem+json"
_URN = "urn:trunnion:problem:"
_GOT_MAX = 120
_log = logging.getLogger("trunnion.bridge")

# Code to HTTP status and title: the code never changes once published, the wording may.
PROBLEMS: Mapping[str, tuple[int, str]] = {
    "unauthenticated": (401, "Who calls is not known"),
    "role-too-low": (403, "This caller may not do that"),
    "other-area": (403, "This key is for something else"),
    "no-session": (403, "A key opens no session"),
    "expiry-out-of-range": (422, "A key cannot last until then"),
    "unknown-topic": (422, "There is no such topic"),
    "unknown-area": (422, "There is no such area"),
    "foreign-user": (403, "Another user of this machine may not use this bridge"),
    "issuer-away": (503, "Tokens cannot be verified now"),
    "malformed": (400, "The request cannot be read"),
    "invalid": (422, "The request does not have the right form"),
    "unknown-part": (422, "This cell does not know that part"),
    "unknown-bin": (422, "This cell does not have that bin"),
    "duplicate-part": (422, "A part is listed twice"),
    "too-many-parts": (422, "The order is larger than the cell can hold"),
    "deadline-passed": (422, "The order's deadline has passed"),
    "idempotency-conflict": (409, "The idempotency key belongs to another order"),
    "already-ended": (409, "The order has already ended"),
    "webhook-url": (422, "Webhooks may not go there"),
    "too-many-webhooks": (409, "There are as many webhooks as there may be"),
    "webhook-disabled": (409, "The webhook is disabled"),
    "no-webhook-key": (503, "Secrets of webhooks cannot be kept here"),
    "queue-full": (503, "Too many orders are waiting"),
    "too-many-watchers": (503, "Too many watch the camera"),
    "camera-elsewhere": (503, "Another bridge has the camera"),
    "database-away": (503, "The orders cannot be read or written now"),
    "no-detections": (503, "The detector does not say what it sees"),
    "snapshots-full": (409, "There is no room for another snapshot"),
    "no-camera": (503, "The camera does not deliver images"),
    "not-an-image": (415, "The body is neither JPEG nor PNG"),
    "image-too-large": (413, "The image has too many pixels"),
    "image-damaged": (422, "The image cannot be decoded"),
    "too-slow": (408, "The request did not come in time"),
    "inference-busy": (503, "Too many images are waiting"),
    "inference-loading": (503, "The network is not ready yet"),
    "cannot-infer": (503, "The bundle's network cannot be run here"),
    "inference-failed": (500, "The network failed on this image"),
    "too-many-requests": (429, "This caller asks too fast"),
    "too-many-streams": (429, "This caller has too many streams"),
    "too-many-connections": (503, "There are too many connections"),
    "head-too-large": (431, "The request's head is too large"),
    "too-large": (413, "The request body is too large"),
    "foreign-host": (421, "This bridge does not answer under that host name"),
    "foreign-origin": (403, "Another web site may not use this bridge"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "That method does not work here"),
    "broken": (500, "Something broke inside the bridge"),
}


class Refused(BadInput):
    """A request that the bridge refuses; `code` is a key of PROBLEMS, `headers` go with the answer."""

    def __init__(
        self,
        code: str,
        *,
        where: str,
        got: str,
        wanted: str,
        next_step: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(where=where, got=shortened(got), wanted=wanted, next_step=next_step)
        self.code = code
        self.headers = dict(headers or {})


class ProblemResponse(JSONResponse):
    """JSON in plain ASCII, so that whatever a caller sent (lone surrogates, too) can be shown back to them."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=True).encode("ascii")


def problem(refused: Refused, path: str, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """The response for a refusal of the request to `path`."""
    status, title = PROBLEMS[refused.code]
    content = {
        "type": f"{_URN}{refused.code}",
        "title": title,
        "status": status,
        "detail": str(refused),
        "instance": path,
        "where": refused.where,
        "got": refused.got,
        "wanted": refused.wanted,
        "next": refused.next_step,
    }
    return ProblemResponse(content, status, headers={**refused.headers, **(headers or {})})


def code_of(headers: Headers, body: bytes) -> str | None:
    """The code of an answer that is a problem; None of any other."""
    if headers.get("content-type") != MEDIA_TYPE:
        return None
    return str(json.loads(body)["type"]).removeprefix(_URN)


def not_found(where: str, got: str, wanted: str, see: str) -> Refused:
    """The refusal of what is asked for by a name or id that there is not; `see` is the path of the list."""
    next_step = f"see {see} for those that there are"
    return Refused("not-found", where=where, got=ascii(got), wanted=wanted, next_step=next_step)


def shortened(text: str) -> str:
    """`text`, cut to what a person reads in an error."""
    return text if len(text) <= _GOT_MAX else text[: _GOT_MAX - 1] + "…"


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem, also those that FastAPI and Starlette raise themselves."""
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, on_broken)


async def _on_refused(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, Refused)
    return problem(error, request.url.path)


async def _on_invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    return problem(invalid(error.errors()), request.url.path)


async def _on_http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    path, got = request.url.path, f"{request.method} {request.url.path}"
    codes = {404: "not-found", 405: "method-not-allowed", 400: "malformed"}
    wanted = {404: "a path of this API", 405: f"one of {_allowed(error)}", 400: "a JSON document"}
    refused = Refused(
        codes.get(error.status_code, "broken"),
        where=path,
        got=got if error.status_code != 400 else str(error.detail),
        wanted=wanted.get(error.status_code, "a request that the bridge can answer"),
        next_step="see /openapi.json for what the bridge offers",
    )
    return problem(refused, path, error.headers)


async def on_broken(request: Request, error: Exception) -> ProblemResponse:
    """The answer where nobody knows better; the log has what happened."""
    _log.error("%s %s broke", request.method, request.url.path, exc_info=error)
    refused = Refused(
        "broken",
        where=request.url.path,
        got=type(error).__name__,
        wanted="an answer",
        next_step=f"look at the bridge's log for request {request_id.get()}, and report this with what caused it",
    )
    return problem(refused, request.url.path, {HEADER: request_id.get()})


def invalid(problems: Sequence[Any]) -> Refused:
    """The refusal of what has not the right form, from pydantic's list of what is wrong with it."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        got = str(first.get("ctx", {}).get("error", "bytes that are not JSON"))
        return Refused("malformed", where=where, got=got, wanted="JSON", next_step="send one JSON document")
    got = "nothing" if first["type"] == "missing" else shortened(ascii(first["input"]))
    wanted = str(first["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    return Refused(
        "invalid",
        where=where,
        got=got + more,
        wanted=wanted[:1].lower() + wanted[1:],
        next_step="correct it and send the request again; /openapi.json has the form and examples",
    )


def _allowed(error: HTTPException) -> str:
    return (error.headers or {}).get("Allow", "the methods in /openapi.json")
