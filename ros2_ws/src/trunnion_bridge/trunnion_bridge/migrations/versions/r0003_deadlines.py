"""Orders with a deadline, and orders of which somebody has asked that they be left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunnion_bridge.columns import Number

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("orders", sa.Column("deadline_ms", Number))
    op.add_column("orders", sa.Column("cancelling", sa.Boolean, nullable=False, server_default=sa.false()))
