"""Who leads of the bridges that share the orders, and how many have before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunnion_bridge.columns import Number

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table, with its only row."""
    leadership = op.create_table(
        "leadership",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("epoch", Number, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("since_ms", Number, nullable=False),
    )
    op.bulk_insert(leadership, [{"id": 1, "epoch": 0, "name": "", "url": "", "since_ms": 0}])
