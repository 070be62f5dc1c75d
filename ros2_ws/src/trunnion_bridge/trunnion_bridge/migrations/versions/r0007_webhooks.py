"""Webhooks, and what is still to be delivered to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunnion_bridge.columns import Number

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("types", sa.String, nullable=False),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("secret_before", sa.String),
        sa.Column("secret_before_until_ms", Number),
        sa.Column("created_ms", Number, nullable=False),
        sa.Column("disabled_because", sa.String),
        sa.Column("last_success_ms", Number),
        sa.Column("last_failure_ms", Number),
        sa.Column("last_failure", sa.String),
        sa.Column("failures", sa.Integer, nullable=False),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("number", Number, primary_key=True),
        sa.Column("webhook_id", sa.String, sa.ForeignKey("webhooks.id"), nullable=False),
        sa.Column("event", Number, nullable=False),
        sa.Column("order_number", Number, nullable=False),
        sa.Column("order_id", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("at_ms", Number, nullable=False),
        sa.Column("content", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_ms", Number, nullable=False),
        sa.Column("dead_ms", Number),
        sa.Column("last_failure", sa.String),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_by_due", "webhook_deliveries", ["webhook_id", "dead_ms", "due_ms"])
    op.create_index(
        "deliveries_by_order", "webhook_deliveries", ["webhook_id", "order_number", "event"], unique=True
    )
