"""Orders with the trace of the request that posted them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column("orders", sa.Column("traceparent", sa.String, nullable=False, server_default=""))
