"""What the routes of webhooks take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from trunnion_bridge.models import Model
from trunnion_bridge.outward.event_types import EVENT_TYPES, EventType


class WebhookRequest(Model):
    """Where events go, and which."""

    url: str = Field(
        min_length=1,
        max_length=2000,
        examples=["https://erp.example/trunnion"],
        description="https, and an address that everybody can reach, unless --webhook-allow names it",
    )
    types: list[EventType] = Field(
        default_factory=lambda: list(EVENT_TYPES), min_length=1, max_length=len(EVENT_TYPES)
    )


class Webhook(Model):
    """A subscription and how it does."""

    id: str
    url: str
    types: list[EventType]
    state: Literal["active", "disabled"]
    disabled_because: str | None
    created_at: datetime
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None = Field(description="what went wrong then, in words")
    failures: int = Field(description="attempts that failed since the last that did not")
    backlog: int = Field(description="events that are still to be delivered")
    dead_letters: int = Field(description="events that were given up")


class WebhookCreated(Webhook):
    """A new subscription and its secret, which is shown this once."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])


class WebhookSecret(Model):
    """The secret that signatures are made with. It is shown this once."""

    id: str
    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])
    before_until: datetime | None = Field(
        description="until when the secret before this one signs as well; null where there is none"
    )


class DeadLetter(Model):
    """An event that was given up."""

    number: int
    message_id: str = Field(description="its `webhook-id`, the same when it is sent again")
    type: EventType
    order_id: str
    event: int
    attempts: int
    last_failure: str | None
    at: datetime = Field(description="when it happened")
    given_up_at: datetime


class DeadLetterPage(Model):
    """Dead letters, oldest first."""

    dead_letters: list[DeadLetter]
    next: str | None = Field(description="path of the next page; null on the last one")


class RedeliverRequest(Model):
    """Which dead letters are sent again; without numbers all of them."""

    numbers: Annotated[list[Annotated[int, Field(ge=1, le=2**62)]], Field(max_length=1000)] | None = None


class Redelivery(Model):
    """How many dead letters wait for delivery again."""

    redelivered: int


class PingResult(Model):
    """What became of a test message."""

    delivered: bool
    message: str = Field(description="what the receiver answered, or why it was not reached")
    duration_ms: int
