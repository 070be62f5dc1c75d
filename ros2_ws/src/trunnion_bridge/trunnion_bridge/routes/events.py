"""What happens, as it happens."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from trunnion_bridge.bridge import Bridge, TheBridge
from trunnion_bridge.feed import Outbox, TooSlow

router = APIRouter()
_ORDERS_SHOWN = 20
_TRY_AGAIN_LATER = 1013


@router.websocket("/v1/events")
async def events(socket: WebSocket, bridge: TheBridge) -> None:
    """A `snapshot` first, then `state` (the newest only) and `order` (every change), numbered by `seq`.

    A listener that does not keep up misses states. One that falls behind with orders, too, is sent away with code
    1013 and may come back for a new snapshot.
    """
    await socket.accept()
    with bridge.feed.listener() as outbox:
        # Drawn now: what happens while the snapshot is made comes after it, and may be in it already.
        seq = bridge.feed.number()
        snapshot = bridge.feed.message("snapshot", await asyncio.to_thread(_snapshot, bridge), seq)
        await until_gone(socket, _tell(socket, outbox, snapshot.text))


async def until_gone(socket: WebSocket, telling: Any) -> None:
    """Run the coroutine `telling` until it ends or the other side goes."""
    tasks = [asyncio.create_task(telling), asyncio.create_task(_gone(socket))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(socket: WebSocket, outbox: Outbox, snapshot: str) -> None:
    try:
        await socket.send_text(snapshot)
        while True:
            await socket.send_text((await outbox.take()).text)
    except TooSlow:
        await socket.close(_TRY_AGAIN_LATER, "too slow: come back for a new snapshot")


async def _gone(socket: WebSocket) -> None:
    try:
        while True:  # what a listener says is not listened to
            await socket.receive()
    except (WebSocketDisconnect, RuntimeError):
        return


def _snapshot(bridge: Bridge) -> dict[str, Any]:
    orders = bridge.store.page(_ORDERS_SHOWN)
    return {
        "state": bridge.state().model_dump(mode="json"),
        "orders": [order.model_dump(mode="json") for order in orders],
    }
