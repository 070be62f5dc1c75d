"""Brings a database to the tables that this bridge knows."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from trunnion_contract.errors import BadInput

_STEPS = Path(__file__).with_name("migrations")
_BEFORE_STEPS = 1  # `PRAGMA user_version` of the tables of step 0001, made before there were steps


def migrate(connection: Connection, place: str) -> None:
    """Take the steps that are missing, in the transaction of `connection`: all of them or none.

    Raises:
        BadInput: the database is of a newer bridge; nothing was changed.
    """
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    at = MigrationContext.configure(connection).get_current_revision()
    if at is not None and at not in known:
        raise _newer(place, at, max(known))
    if at is None and connection.dialect.name == "sqlite":
        _take_over(connection, config, place)
    command.upgrade(config, "head")


def _take_over(connection: Connection, config: Config, place: str) -> None:
    version = connection.scalar(text("PRAGMA user_version")) or 0
    if version > _BEFORE_STEPS:
        raise _newer(place, str(version), str(_BEFORE_STEPS))
    if version == _BEFORE_STEPS and inspect(connection).has_table("orders"):
        command.stamp(config, "0001")


def _newer(place: str, at: str, known: str) -> BadInput:
    return BadInput(
        where=place,
        got=f"orders of schema {at}",
        wanted=f"schema {known} or older",
        next_step="update the bridge, or name another --data-dir or database",
    )
