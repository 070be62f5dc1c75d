"""Keys of machines, and a log of changes that the database lets nobody rewrite."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunnion_bridge.columns import Number

revision = "0004"
down_revision = "0003"

_ON_SQLITE = """
CREATE TRIGGER audit_log_no_{word} BEFORE {word} ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END
"""
_ON_POSTGRESQL = """
CREATE FUNCTION audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$;
CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_grows();
"""


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "api_keys",
        sa.Column("number", Number, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("name", "role", "digest", "created_by")),
        sa.Column("areas", sa.String),
        *(sa.Column(name, Number, nullable=False) for name in ("created_ms", "expires_ms")),
        *(sa.Column(name, Number) for name in ("used_ms", "revoked_ms")),
        sqlite_autoincrement=True,
    )
    texts = ("who", "via", "address", "action", "subject", "outcome", "code", "detail", "request_id")
    op.create_table(
        "audit_log",
        sa.Column("number", Number, primary_key=True),
        sa.Column("at_ms", Number, nullable=False),
        sa.Column("role", sa.String),
        *(sa.Column(name, sa.String, nullable=False) for name in texts),
        sqlite_autoincrement=True,
    )
    for column in ("who", "subject"):
        op.create_index(f"ix_audit_log_{column}", "audit_log", [column])
    if op.get_bind().dialect.name == "sqlite":
        for word in ("UPDATE", "DELETE"):
            op.execute(_ON_SQLITE.format(word=word))
    else:
        op.execute(_ON_POSTGRESQL)
