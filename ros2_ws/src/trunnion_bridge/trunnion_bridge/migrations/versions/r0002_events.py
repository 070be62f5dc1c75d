"""Events tell what an order was like after them, so that who listens can go on where they left off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunnion_bridge.columns import Number

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; events from before have no content, so nobody can go on from them."""
    op.add_column("order_events", sa.Column("content", sa.String))
    op.add_column("orders", sa.Column("event", Number, nullable=False, server_default="0"))
    newest = "SELECT max(number) FROM order_events WHERE order_number = orders.number"
    op.execute(f"UPDATE orders SET event = coalesce(({newest}), 0)")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 2")  # bridges before there were steps look at nothing else
