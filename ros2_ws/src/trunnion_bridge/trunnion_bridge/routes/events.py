"""What happens, as it happens: over a WebSocket, or as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from trunnion_bridge.access.topics import TOPICS, topics_of
from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.feed import Message, TooSlow
from trunnion_bridge.listening import messages
from trunnion_bridge.trouble import PASSING

router = APIRouter(tags=["events"])
_TRY_AGAIN_LATER = 1013
After = Annotated[int | None, Query(ge=0, le=2**62, description="the id of the event that was heard last")]
Topics = Annotated[
    str | None, Query(max_length=100, description=f"some of {', '.join(TOPICS)}; without it, state,order")
]
LastEventId = Annotated[int | None, Header(ge=0, le=2**62)]


@router.websocket("/v1/events")
async def events(socket: WebSocket, bridge: TheBridge, after: After = None, topics: Topics = None) -> None:
    """A `snapshot` first, then `state` (the newest only) and `order` (every change), numbered by `seq`.

    Changes of orders have an `id` that lasts. With `after`, those after that id come instead of the snapshot, each
    once; when they are not all retained, a snapshot with `gap` comes after all. A listener that does not keep up misses
    states. One that falls behind with orders, too, is sent away with code 1013 and may come back with its last id.

    With `topics`, only messages of these kinds come, and the snapshot has no more than they tell; `audit` is for
    admins, and tells new entries of the audit log within a second or two.
    """
    await socket.accept()
    await until_gone(socket, _tell(socket, messages(bridge, after, topics_of(topics))))


@router.get(
    "/v1/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_events(
    bridge: TheBridge, after: After = None, topics: Topics = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """The same as server-sent events, for which a browser's EventSource remembers the id by itself."""
    begin = after if last_event_id is None else last_event_id
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _sent(messages(bridge, begin, topics_of(topics))), media_type="text/event-stream", headers=headers
    )


async def _sent(listening: AsyncGenerator[Message]) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    try:
        async with aclosing(listening) as told:
            async for message in told:
                event_id = "" if message.event is None else f"id: {message.event}\n"
                yield f"{event_id}event: {message.kind}\ndata: {message.text}\n\n"
    except (TooSlow, *PASSING):
        return


async def until_gone(socket: WebSocket, telling: Any) -> None:
    """Run the coroutine `telling` until it ends or the other side goes."""
    tasks = [asyncio.create_task(telling), asyncio.create_task(_gone(socket))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(socket: WebSocket, listening: AsyncGenerator[Message]) -> None:
    try:
        async with aclosing(listening) as told:
            async for message in told:
                await socket.send_text(message.text)
    except TooSlow:
        await socket.close(_TRY_AGAIN_LATER, "too slow: come back with the last id")
    except PASSING:
        await socket.close(_TRY_AGAIN_LATER, "database-away: come back with the last id")


async def _gone(socket: WebSocket) -> None:
    try:
        while True:  # what a listener says is not listened to
            await socket.receive()
    except (WebSocketDisconnect, RuntimeError):
        return
