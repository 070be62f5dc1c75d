"""Orders that came by VDA5050."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunnion_bridge.columns import Number

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "vda5050_orders",
        sa.Column("number", Number, primary_key=True),
        sa.Column("order_id", sa.String, nullable=False),
        sa.Column("update_id", Number, nullable=False),
        sa.Column("content", sa.String, nullable=False),
        sa.Column("new", sa.String, nullable=False),
        sa.Column("cancelled", sa.Boolean, nullable=False),
    )
    op.create_index("vda5050_by_id", "vda5050_orders", ["order_id", "update_id"], unique=True)
