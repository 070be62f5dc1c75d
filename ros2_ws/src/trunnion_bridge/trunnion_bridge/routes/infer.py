"""Detections in an image that a caller sends."""

from __future__ import annotations

from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.inference.models import InferenceResult
from trunnion_bridge.problem import Refused

router = APIRouter(tags=["inference"])
PATH = "/v1/infer"
_MEDIA_TYPES = ("image/jpeg", "image/png")
_BODY_WITHIN_S = 10.0
_BODY = {
    "description": "an image, as it is",
    "required": True,
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _MEDIA_TYPES},
}
Confidence = Annotated[
    float | None,
    Query(ge=0, le=1, allow_inf_nan=False, description="the least score; without it the model's own"),
]


@router.post(PATH, openapi_extra={"requestBody": _BODY})
async def infer(bridge: TheBridge, request: Request, confidence: Confidence = None) -> InferenceResult:
    """Detect in a JPEG or PNG what the cell's own detector would, by the network of the cell's bundle.

    Images of all callers share one queue; while it is full, and while the network is loaded for the first image, they
    are refused with 503 and `Retry-After`. Nothing is kept.
    """
    _check_media_type(request)
    with bridge.inference.place():
        data = await _body(request, bridge.settings.image_max_bytes)
        return await bridge.inference.detect(data, confidence)


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() not in _MEDIA_TYPES:
        raise Refused(
            "not-an-image",
            where="Content-Type",
            got=ascii(given) if given else "nothing",
            wanted=" or ".join(_MEDIA_TYPES),
            next_step="send the bytes of the image as the body, and say which they are",
        )


async def _body(request: Request, max_bytes: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise _too_large(f"{announced} bytes", max_bytes)
    try:
        with anyio.fail_after(_BODY_WITHIN_S):
            return await _read(request, max_bytes)
    except TimeoutError:
        raise Refused(
            "too-slow",
            where="body",
            got=f"an image that is not whole after {_BODY_WITHIN_S:g} s",
            wanted="all of it",
            next_step="send a smaller image, or from nearer",
        ) from None


async def _read(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(f"more than {max_bytes} bytes", max_bytes)
    return bytes(body)


def _too_large(got: str, max_bytes: int) -> Refused:
    wanted, next_step = f"at most {max_bytes} bytes", "send a smaller image"
    return Refused("too-large", where="body", got=got, wanted=wanted, next_step=next_step)
