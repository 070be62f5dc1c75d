"""Webhooks, joined: what a route may use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.database import Database
from trunnion_bridge.outward.cloudevent import ping
from trunnion_bridge.outward.destinations import LOOPBACK, Destinations
from trunnion_bridge.outward.models import PingResult, Webhook, WebhookRequest, WebhookSecret
from trunnion_bridge.outward.outbox import Outbox
from trunnion_bridge.outward.sender import Sender
from trunnion_bridge.outward.signing import KEY_VARIABLE, Vault, open_vault
from trunnion_bridge.outward.subscriptions import Subscriptions, webhook_of
from trunnion_bridge.problem import Refused
from trunnion_bridge.settings import Settings


class Webhooks:
    """In development, where all is on one machine, webhooks may go to it.

    Raises:
        BadInput: the keys or the allowed hosts are none.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._vault = Vault.of(settings.webhook_keys, KEY_VARIABLE) if settings.webhook_keys else None
        own = () if settings.oidc else ("localhost", *LOOPBACK)
        self.destinations = Destinations((*settings.webhook_allow, *own))
        self.outbox = Outbox(database)
        self.subscriptions = Subscriptions(database, self._opened)
        self.sender = Sender(self.outbox, self.subscriptions, self.destinations)
        self.readings = WebhookReadings(self.outbox, self.sender)

    def create(self, request: WebhookRequest) -> tuple[Webhook, WebhookSecret]:
        """A new webhook.

        Raises:
            Refused: `webhook-url`, `too-many-webhooks` or `no-webhook-key`.
        """
        self.destinations.check_url(request.url)
        return self.subscriptions.create(request)

    def all(self) -> list[Webhook]:
        """All of them and how they do."""
        counts = self.outbox.counts()
        return [webhook_of(row, *counts.get(row.id, (0, 0))) for row in self.subscriptions.all()]

    def get(self, webhook_id: str) -> Webhook:
        """One of them; Refused when there is none such."""
        return webhook_of(self.subscriptions.get(webhook_id), *self.outbox.counts().get(webhook_id, (0, 0)))

    async def ping(self, webhook_id: str) -> PingResult:
        """Send a test message now, and once."""
        begin_s = time.monotonic()
        outcome = await self.sender.ping(webhook_id, ping(int(time.time() * 1000)))
        duration_ms = int((time.monotonic() - begin_s) * 1000)
        return PingResult(delivered=outcome.is_delivered, message=outcome.words, duration_ms=duration_ms)

    async def redeliver(self, webhook_id: str, numbers: list[int] | None) -> int:
        """Send dead letters again; how many. Refused when there is no such webhook, or when it is disabled."""
        row = await asyncio.to_thread(self.subscriptions.get, webhook_id)
        if row.disabled_because:
            raise Refused(
                "webhook-disabled",
                where=f"webhook {webhook_id}",
                got=f"a webhook that is disabled: {row.disabled_because}",
                wanted="one that is active",
                next_step=f"enable it first: POST /v1/webhooks/{webhook_id}/enable",
            )
        count = await asyncio.to_thread(self.outbox.redeliver, webhook_id, numbers)
        self.sender.wake()
        return count

    def _opened(self) -> Vault:
        if self._vault is None:
            self._vault = open_vault(self._settings.data_dir, self._database.is_shared)
        if self._vault is None:
            raise Refused(
                "no-webhook-key",
                where=KEY_VARIABLE,
                got="nothing, with a database that other bridges share",
                wanted="one key for all of them, so that each can read the secrets that another has written",
                next_step=f"start the bridges with the same {KEY_VARIABLE}",
            )
        return self._vault


class WebhookReadings(Collector):
    """What Prometheus hears of webhooks, read when it asks."""

    def __init__(self, outbox: Outbox, sender: Sender) -> None:
        self._outbox = outbox
        self._sender = sender

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        with suppress(SQLAlchemyError):  # trunnion_database_up says so
            yield from self._kept()
        attempts = CounterMetricFamily("trunnion_webhook_attempts", "Messages posted", labels=["outcome"])
        attempts.add_metric(["delivered"], self._sender.attempts[True])
        attempts.add_metric(["failed"], self._sender.attempts[False])
        yield attempts

    def _kept(self) -> Iterator[Metric]:
        counts = self._outbox.counts()
        families = (
            ("trunnion_webhook_backlog", "Events that are still to be delivered"),
            ("trunnion_webhook_dead_letters", "Events that were given up"),
        )
        for index, (name, words) in enumerate(families):
            family = GaugeMetricFamily(name, words, labels=["webhook"])
            for webhook_id, both in counts.items():
                family.add_metric([webhook_id], both[index])
            yield family
