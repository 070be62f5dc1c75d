"""What the camera sees."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

from fastapi import APIRouter, Response, WebSocket
from fastapi.responses import StreamingResponse

from trunnion_bridge.bridge import Bridge, TheBridge
from trunnion_bridge.problem import Refused
from trunnion_bridge.routes.events import until_gone

router = APIRouter(tags=["camera"])
_BOUNDARY = "frame"
_TRY_AGAIN_LATER = 1013


@router.get("/v1/camera.jpg", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def get_camera_image(bridge: TheBridge) -> Response:
    """The latest image."""
    latest = await bridge.camera.picture()
    headers = {"Cache-Control": "no-store", "X-Stamp-Ns": str(latest.stamp_ns)}
    return Response(latest.jpeg, media_type="image/jpeg", headers=headers)


@router.get(
    "/v1/camera.mjpeg",
    response_class=StreamingResponse,
    responses={200: {"content": {"multipart/x-mixed-replace": {"schema": {"type": "string"}}}}},
)
async def stream_camera(bridge: TheBridge) -> StreamingResponse:
    """Images as they come, for an `<img>`; at most a few may watch at a time."""
    bridge.camera.check_room()
    media_type = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
    return StreamingResponse(_parts(bridge), media_type=media_type, headers={"Cache-Control": "no-store"})


@router.websocket("/v1/camera")
async def watch(socket: WebSocket, bridge: TheBridge) -> None:
    """Binary messages: the camera's stamp in nanoseconds (8 bytes, big endian), then a JPEG."""
    await socket.accept()
    await until_gone(socket, _show(socket, bridge))


async def _show(socket: WebSocket, bridge: Bridge) -> None:
    try:
        async for latest in bridge.camera.watch(bridge.gateway.framed):
            await socket.send_bytes(struct.pack(">q", latest.stamp_ns) + latest.jpeg)
    except Refused as refused:
        await socket.close(_TRY_AGAIN_LATER, refused.code)


async def _parts(bridge: Bridge) -> AsyncIterator[bytes]:
    async for latest in bridge.camera.watch(bridge.gateway.framed):
        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(latest.jpeg)}\r\n\r\n"
        yield head.encode() + latest.jpeg + b"\r\n"
