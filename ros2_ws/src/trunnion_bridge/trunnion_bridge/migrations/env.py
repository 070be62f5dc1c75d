"""What Alembic runs: the steps, on the connection and in the transaction that `trunnion_bridge.database` hands over."""

from __future__ import annotations

from alembic import context

import trunnion_bridge.outward.tables
import trunnion_bridge.outward.vda5050.tables  # noqa: F401  what is not imported is not known
from trunnion_bridge.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
