"""The tables of webhooks and of what is still to be delivered to them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from trunnion_bridge.columns import Number
from trunnion_bridge.tables import Base


class WebhookRow(Base):
    """A subscription. Secrets are encrypted; `types` are separated by blanks."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    types: Mapped[str]
    secret: Mapped[str]
    secret_before: Mapped[str | None]
    secret_before_until_ms: Mapped[int | None] = mapped_column(Number)
    created_ms: Mapped[int] = mapped_column(Number)
    disabled_because: Mapped[str | None]
    last_success_ms: Mapped[int | None] = mapped_column(Number)
    last_failure_ms: Mapped[int | None] = mapped_column(Number)
    last_failure: Mapped[str | None]
    failures: Mapped[int]  # since the last success


class DeliveryRow(Base):
    """One event for one webhook, until it is delivered; a dead letter once `dead_ms` is set."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("deliveries_by_due", "webhook_id", "dead_ms", "due_ms"),
        Index("deliveries_by_order", "webhook_id", "order_number", "event", unique=True),
        {
            "sqlite_autoincrement": True
        },  # a number is never given out again: an attempt may still be on its way
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id"))
    event: Mapped[int] = mapped_column(Number)
    order_number: Mapped[int] = mapped_column(Number)
    order_id: Mapped[str]
    type: Mapped[str]
    at_ms: Mapped[int] = mapped_column(Number)
    content: Mapped[str]  # the order after the event, as JSON
    attempts: Mapped[int]
    due_ms: Mapped[int] = mapped_column(Number)
    dead_ms: Mapped[int | None] = mapped_column(Number)
    last_failure: Mapped[str | None]
