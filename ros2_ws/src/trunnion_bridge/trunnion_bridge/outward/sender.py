"""Sends what waits for webhooks, between `start` and `leave`: a duty of the bridge that leads."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

import httpx

from trunnion_bridge.outward.attempt import Outcome, attempt
from trunnion_bridge.outward.backoff import Backoff
from trunnion_bridge.outward.bell import Bell
from trunnion_bridge.outward.destinations import Destinations
from trunnion_bridge.outward.guarded_transport import GuardedTransport
from trunnion_bridge.outward.lane import AT_ONCE, Lane
from trunnion_bridge.outward.outbox import Outbox
from trunnion_bridge.outward.signing import KEY_VARIABLE, SecretUnreadable
from trunnion_bridge.outward.subscriptions import Subscriptions

TIMEOUT_S = 15.0
_FORGET_S = 3600.0
_log = logging.getLogger("trunnion.bridge")


class Sender:
    """A lane of its own for each webhook, so that one slow receiver harms no other.

    Args:
        clock: Unix time in seconds, for signatures.
        look_s: how often it looks for what nobody has told it of: new webhooks, what is due again.
    """

    def __init__(
        self,
        outbox: Outbox,
        subscriptions: Subscriptions,
        destinations: Destinations,
        *,
        backoff: Backoff | None = None,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.time,
        look_s: float = 1.0,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._destinations = destinations
        self._backoff = backoff or Backoff()
        self._rng = rng or random.Random()
        self._clock = clock
        self._look_s = look_s
        self._timeout_s = timeout_s
        self._lanes: dict[str, tuple[Lane, asyncio.Task[None]]] = {}
        self._bell = Bell()
        self._task: asyncio.Task[None] | None = None
        self._tls: ssl.SSLContext | None = None
        self.attempts = {True: 0, False: 0}  # by whether they delivered

    async def start(self) -> None:
        """Begin to send, first what a bridge before this one left."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="webhooks")

    async def leave(self) -> None:
        """Send no more. What is under way is broken off, and sent again by the next who starts."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def wake(self) -> None:
        """Something happened; on the loop. Without it, it is found within `look_s`."""
        self._bell.ring()
        for lane, _ in self._lanes.values():
            lane.wake()

    async def ping(self, webhook_id: str, message: tuple[str, str]) -> Outcome:
        """Post one message now, and once; also while it is not started.

        Raises:
            Refused: there is no such webhook.
        """
        async with self._client() as client:
            return await self._send(client, webhook_id, message)

    async def _run(self) -> None:
        forget_s = 0.0
        try:
            while True:
                try:
                    await self._look()
                    if time.monotonic() >= forget_s:
                        await asyncio.to_thread(self._outbox.forget)
                        forget_s = time.monotonic() + _FORGET_S
                except Exception:  # a database that is away, say; nobody else would begin again
                    _log.exception("the webhooks cannot be looked after; trying again")
                await self._bell.wait(self._look_s)
        finally:
            await self._end(list(self._lanes))

    async def _look(self) -> None:
        """A lane for each webhook that is not disabled, and none for others."""
        rows = await asyncio.to_thread(self._subscriptions.all)
        active = {row.id for row in rows if not row.disabled_because}
        over = [key for key, (_, task) in self._lanes.items() if key not in active or task.done()]
        await self._end(over)
        for webhook_id in active - self._lanes.keys():
            self._begin(webhook_id)

    def _begin(self, webhook_id: str) -> None:
        client = self._client()
        lane = Lane(
            webhook_id,
            self._outbox,
            lambda message: self._send(client, webhook_id, message),
            self._backoff,
            self._rng,
            self._count,
            self._look_s,
        )

        async def run() -> None:
            async with client:
                await lane.run()

        self._lanes[webhook_id] = lane, asyncio.create_task(run(), name=f"webhook {webhook_id}")

    async def _end(self, webhook_ids: list[str]) -> None:
        tasks = [self._lanes.pop(webhook_id)[1] for webhook_id in webhook_ids]
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                _log.error("a lane broke and is begun again", exc_info=ended)

    async def _send(self, client: httpx.AsyncClient, webhook_id: str, message: tuple[str, str]) -> Outcome:
        try:
            receiver = await asyncio.to_thread(
                lambda: self._subscriptions.receiver(self._subscriptions.get(webhook_id))
            )
        except SecretUnreadable:
            words = (
                f"its secret was encrypted with another {KEY_VARIABLE}: give that one, or change the secret"
            )
            return Outcome(False, words)
        return await attempt(client, receiver, message, self._timeout_s, self._clock)

    def _client(self) -> httpx.AsyncClient:
        self._tls = self._tls or httpx.create_ssl_context()
        transport = GuardedTransport(self._destinations, self._tls, AT_ONCE)
        return httpx.AsyncClient(transport=transport, trust_env=False, timeout=self._timeout_s)

    def _count(self, is_delivered: bool) -> None:
        self.attempts[is_delivered] += 1
