"""Connections: how many there may be, and how long they may take to say what they want.

uvicorn limits neither the time nor the size of a request's head, and answers in plain text where it refuses.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from trunnion_bridge.access.limits import Limits
from trunnion_bridge.access.neighbour import network_of
from trunnion_bridge.answers import as_bytes
from trunnion_bridge.problem import Refused

_MARGIN = 200  # file descriptors for the database, ROS and the rest


class Connections:
    """All that are open, and how many each address has; `on_refused` hears why others are not."""

    def __init__(self, limits: Limits, on_refused: Callable[[str], None] = lambda _: None) -> None:
        self.limits = limits
        self.on_refused = on_refused
        self._open: dict[Hashable, Hashable] = {}
        self._of_address: Counter[Hashable] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, transport: Hashable, host: str) -> Refused | None:
        """Count a connection; why it cannot be had."""
        address = network_of(host)
        if len(self._open) >= self.limits.connections_max:
            return _too_many(f"{len(self._open)} connections", "all callers")
        if self._of_address[address] >= self.limits.connections_of_address_max:
            return _too_many(f"{self._of_address[address]} connections", "this address")
        self._open[transport] = address
        self._of_address[address] += 1
        return None

    def leave(self, transport: Hashable) -> None:
        """It has ended, or was never counted."""
        address = self._open.pop(transport, None)
        if address is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    def http(self) -> Any:
        """What uvicorn makes for each connection."""
        return partial(PatientHttp, self)

    def websocket(self) -> Any:
        """What uvicorn makes of a connection that becomes a WebSocket."""
        return partial(CountedWebSocket, self)

    @property
    def files_wanted(self) -> int:
        """File descriptors that so many connections take."""
        return self.limits.connections_max + _MARGIN


class PatientHttp(HttpToolsProtocol):
    """Ends a connection whose next request is late or begins with too much, or whose answer is not read."""

    def __init__(self, connections: Connections, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._all = connections
        self._limits = connections.limits
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        # Had its answer, and has not begun to ask again: uvicorn ends it after `idle_s`.
        self._is_idle = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        refused = self._all.enter(transport, self.client[0] if self.client else "")
        if refused:
            self._refuse(refused)
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_head()
        self._is_read()
        self._all.leave(self.transport)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_timer = self.loop.call_later(self._limits.read_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._is_read()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._is_idle:
            self._await_head()
        if self._head_timer:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_timer and self._head_bytes > self._limits.head_max_bytes:
            wanted = f"at most {self._limits.head_max_bytes} bytes"
            self._refuse(
                Refused("head-too-large", where="the head of the request", got="more", wanted=wanted,
                        next_step="send shorter headers")
            )  # fmt: skip

    def on_headers_complete(self) -> None:
        self._has_head()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._is_idle = self.cycle.response_complete and not self.transport.is_closing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(
            Refused("malformed", where="the request", got="something that is no HTTP", wanted="HTTP/1.1",
                    next_step="send the request with a program that speaks it")
        )  # fmt: skip

    def _await_head(self) -> None:
        self._is_idle = False
        self._has_head()
        self._head_timer = self.loop.call_later(self._limits.head_within_s, self._too_slow)

    def _has_head(self) -> None:
        self._head_bytes = 0
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def _is_read(self) -> None:
        if self._read_timer:
            self._read_timer.cancel()
            self._read_timer = None

    def _too_slow(self) -> None:
        within = f"{self._limits.head_within_s:g} s"
        self._refuse(
            Refused("too-slow", where="the head of the request", got=f"no end within {within}", wanted="all of it",
                    next_step="send the request faster")
        )  # fmt: skip

    def _refuse(self, refused: Refused) -> None:
        if not self.transport.is_closing():
            self._has_head()
            self._all.on_refused(refused.code)
            self.transport.write(as_bytes(refused, self.scheme == "https"))
            self.transport.close()


class CountedWebSocket(WebSocketsSansIOProtocol):
    """Was counted when it was HTTP."""

    def __init__(self, connections: Connections, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._all = connections

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.leave(self.transport)
        super().connection_lost(exc)


def _too_many(got: str, whose: str) -> Refused:
    return Refused(
        "too-many-connections",
        where=f"the connections of {whose}",
        got=got,
        wanted="fewer",
        next_step="close some that are no longer used, then try again",
        headers={"Retry-After": "5"},
    )
