"""Listeners to a bridge's stream of states, and one that opens it and never reads; one line of JSON at the end.

Started by `trunnion.bench.bridge` with the port of the bridge, a token, how many listen, and for how many seconds.
How old each state is when it comes is in the answer. Frames are read by hand, because the listeners take the processor
of the bridge that they listen to.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from datetime import datetime

_HEAD = (
    "GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_STATE = re.compile(rb'\{"seq":\d+,"type":"state","at":"([^"]+)"')
_HEAD_MAX = 128  # of a message, in which the time stands
_PING, _PONG, _WARM_UP_S = 0x9, 0x8A, 3.0
_AT_ONCE = 20


class Listener(asyncio.Protocol):
    """Reads frames, and notes how old the states in them are."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._data = bytearray()
        self.ages_s: list[float] = []
        self.accepted = asyncio.get_running_loop().create_future()
        self.lost = False
        self.is_timed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if not self.accepted.done():
            self.accepted.set_exception(ConnectionError(f"refused: {bytes(self._data[:300])!r}"))

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self.accepted.done():
            head, found, rest = bytes(self._data).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.transport.close()
                return
            self._data = bytearray(rest)
            self.accepted.set_result(None)
        now_s = time.time()
        while (ends := self._frame()) is not None:
            begins, end = ends
            if self._data[0] & 0x0F == _PING:  # who does not answer is sent away
                self.transport.write(pong(self._data[begins:end]))  # type: ignore[attr-defined]
            if self.is_timed and (state := _STATE.match(self._data[begins : min(end, begins + _HEAD_MAX)])):
                self.ages_s.append(now_s - datetime.fromisoformat(state[1].decode()).timestamp())
            del self._data[:end]

    def _frame(self) -> tuple[int, int] | None:
        """Where the content of the next whole frame begins and ends; a server's frames are not masked."""
        if len(self._data) < 2:
            return None
        short = self._data[1] & 0x7F
        begins = {126: 4, 127: 10}.get(short, 2)
        length = short if short < 126 else int.from_bytes(self._data[2:begins], "big")
        return (begins, begins + length) if len(self._data) >= begins + length else None


def pong(payload: bytes) -> bytes:
    """The answer to a ping; a client masks what it sends, here with zeros."""
    return bytes((_PONG, 0x80 | len(payload), 0, 0, 0, 0)) + payload


async def measured(port: int, token: str, count: int, seconds: float) -> dict[str, object]:
    """All of them, for so long after they are there."""
    request = _HEAD.format(token=token).encode()
    loop = asyncio.get_running_loop()
    listeners: list[Listener] = []
    while len(listeners) < count:
        made = [loop.create_connection(lambda: Listener(request), "127.0.0.1", port) for _ in range(_AT_ONCE)]
        new = [listener for _, listener in await asyncio.gather(*made)]
        await asyncio.gather(*(listener.accepted for listener in new))
        listeners += new
    with socket.create_connection(("127.0.0.1", port)) as stuck:
        stuck.sendall(request)
        await asyncio.sleep(_WARM_UP_S)
        for listener in listeners:
            listener.is_timed = True
        print(json.dumps("begins"), flush=True)
        await asyncio.sleep(seconds)
    return {
        "ages_s": [age_s for listener in listeners for age_s in listener.ages_s],
        "least_heard": min(len(listener.ages_s) for listener in listeners),
        "lost": sum(listener.lost for listener in listeners),
    }


if __name__ == "__main__":
    port, token, count, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(measured(int(port), token, int(count), float(seconds)))), flush=True)
