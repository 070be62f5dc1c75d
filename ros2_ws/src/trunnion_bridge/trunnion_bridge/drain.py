"""A server that lets the order that runs come to its end before it stops."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn

from trunnion_bridge.handshake import hurry

_log = logging.getLogger("trunnion.bridge")


class DrainingServer(uvicorn.Server):
    """Stops at once on SIGINT and on a second signal; on SIGTERM it drains first.

    While it drains it answers all requests, is not ready, and gives the robot no further order.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Callable[[], Awaitable[None]],
        drain_s: float,
        handshake_within_s: float = 5.0,
    ) -> None:
        super().__init__(config)
        self._handshake_within_s = handshake_within_s
        self._drain_all = drain
        self._drain_s = drain_s
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if self.config.is_ssl:
            hurry(self._loop, self._handshake_within_s)
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self._drain_s > 0 and self._loop and not self._draining:
            # A signal may come between any two lines: the loop takes it up where it is safe.
            self._loop.call_soon_threadsafe(self._begin)
        else:
            super().handle_exit(sig, frame)

    def _begin(self) -> None:
        self._draining = self._draining or asyncio.create_task(self._drain(), name="drain")

    async def _drain(self) -> None:
        _log.info("draining: the order that runs has %.0f s to end", self._drain_s)
        try:
            await asyncio.wait_for(self._drain_all(), self._drain_s)
        except TimeoutError:
            _log.warning("the order that runs did not end within %.0f s: it is cancelled", self._drain_s)
        self.should_exit = True
