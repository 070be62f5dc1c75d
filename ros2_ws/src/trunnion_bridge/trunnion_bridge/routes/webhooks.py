"""Webhooks: subscribe, look how they do, send again what was given up."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Query, Response

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.outward.cloudevent import message_id
from trunnion_bridge.outward.event_types import EventType
from trunnion_bridge.outward.models import (
    DeadLetter,
    DeadLetterPage,
    PingResult,
    RedeliverRequest,
    Redelivery,
    Webhook,
    WebhookCreated,
    WebhookRequest,
    WebhookSecret,
)
from trunnion_bridge.outward.tables import DeliveryRow
from trunnion_bridge.tables import time_of

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post("", status_code=201)
def create_webhook(request: WebhookRequest, bridge: TheBridge, response: Response) -> WebhookCreated:
    """Subscribe to what happens to orders from now on. The secret is shown this once."""
    webhook, secret = bridge.webhooks.create(request)
    response.headers["Location"] = f"/v1/webhooks/{webhook.id}"
    response.headers["Cache-Control"] = "no-store"
    return WebhookCreated(**webhook.model_dump(), secret=secret.secret)


@router.get("")
def list_webhooks(bridge: TheBridge) -> list[Webhook]:
    """All webhooks and how they do, oldest first."""
    return bridge.webhooks.all()


@router.get("/{webhook_id}")
def get_webhook(webhook_id: str, bridge: TheBridge) -> Webhook:
    """One webhook and how it does."""
    return bridge.webhooks.get(webhook_id)


@router.delete("/{webhook_id}", status_code=204)
def delete_webhook(webhook_id: str, bridge: TheBridge) -> None:
    """Unsubscribe; what waits is not delivered, and dead letters are deleted."""
    bridge.webhooks.subscriptions.delete(webhook_id)


@router.post("/{webhook_id}/enable")
def enable_webhook(webhook_id: str, bridge: TheBridge) -> Webhook:
    """Let a webhook that was disabled hear of what happens from now on; what it missed meanwhile stays missed."""
    bridge.webhooks.subscriptions.enable(webhook_id)
    return bridge.webhooks.get(webhook_id)


@router.post("/{webhook_id}/secret", status_code=201)
def change_webhook_secret(webhook_id: str, bridge: TheBridge, response: Response) -> WebhookSecret:
    """A new secret, shown this once. For a day messages carry a signature with the one before, too."""
    response.headers["Cache-Control"] = "no-store"
    return bridge.webhooks.subscriptions.rotate(webhook_id)


@router.post("/{webhook_id}/ping")
async def ping_webhook(webhook_id: str, bridge: TheBridge) -> PingResult:
    """Send a test message (`trunnion.ping`) now and once, and say what became of it."""
    return await bridge.webhooks.ping(webhook_id)


@router.get("/{webhook_id}/dead-letters")
def list_dead_letters(
    webhook_id: str,
    bridge: TheBridge,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[int, Query(ge=0, le=2**62, description="only those with greater numbers")] = 0,
) -> DeadLetterPage:
    """Events that were given up, oldest first. They are kept for 30 days."""
    bridge.webhooks.subscriptions.get(webhook_id)
    rows = bridge.webhooks.outbox.dead_letters(webhook_id, limit + 1, after)
    page = rows[:limit]
    more = f"/v1/webhooks/{webhook_id}/dead-letters?limit={limit}&after={page[-1].number}" if page else None
    return DeadLetterPage(
        dead_letters=[_dead_letter(row) for row in page], next=more if len(rows) > limit else None
    )


@router.post("/{webhook_id}/redeliver", status_code=202)
async def redeliver_webhook(
    webhook_id: str, bridge: TheBridge, request: RedeliverRequest | None = None
) -> Redelivery:
    """Send dead letters again, those of `numbers` or all, each with all its attempts."""
    count = await bridge.webhooks.redeliver(webhook_id, request.numbers if request else None)
    return Redelivery(redelivered=count)


def _dead_letter(row: DeliveryRow) -> DeadLetter:
    return DeadLetter(
        number=row.number,
        message_id=message_id(row.order_id, row.event),
        type=cast(EventType, row.type),
        order_id=row.order_id,
        event=row.event,
        attempts=row.attempts,
        last_failure=row.last_failure,
        at=time_of(row.at_ms),
        given_up_at=time_of(row.dead_ms or 0),
    )
