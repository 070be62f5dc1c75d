"""Orders and what happened to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunnion_bridge.columns import Number

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "orders",
        sa.Column("number", Number, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("lines", sa.String, nullable=False),
        sa.Column("bin", sa.String, nullable=False),
        sa.Column("requested", sa.Integer, nullable=False),
        sa.Column("sorted", sa.Integer, nullable=False),
        sa.Column("phase", sa.String, nullable=False),
        sa.Column("part", sa.String, nullable=False),
        sa.Column("message", sa.String, nullable=False),
        sa.Column("created_ms", Number, nullable=False),
        sa.Column("started_ms", Number),
        sa.Column("ended_ms", Number),
        sa.Column("idempotency_key", sa.String, unique=True),
        sqlite_autoincrement=True,
    )
    op.create_index("orders_by_state", "orders", ["state", "number"])
    op.create_table(
        "order_events",
        sa.Column("number", Number, primary_key=True),
        sa.Column("order_number", Number, sa.ForeignKey("orders.number"), nullable=False),
        sa.Column("at_ms", Number, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("sorted", sa.Integer, nullable=False),
        sa.Column("message", sa.String, nullable=False),
    )
    op.create_index("ix_order_events_order_number", "order_events", ["order_number"])
