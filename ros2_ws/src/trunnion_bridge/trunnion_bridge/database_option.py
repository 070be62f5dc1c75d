"""The option `--database` of the bridge's commands, and the environment variable that may stand in for it."""

from __future__ import annotations

import argparse
import os

from sqlalchemy import URL

from trunnion_bridge.database import POSTGRESQL, postgresql_url
from trunnion_contract.errors import BadInput

DATABASE_VARIABLE = "TRUNNION_DATABASE"


def add_database_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be told where the bridge's database is."""
    parser.add_argument(
        "--database",
        metavar="URL",
        help=f"{POSTGRESQL}://USER@HOST/DATABASE for the orders (default: {DATABASE_VARIABLE}, which may hold a "
        "password; without it a SQLite file in --data-dir)",
    )


def database_of(given: str | None) -> URL | None:
    """The PostgreSQL database that is meant; None for the SQLite file.

    Raises:
        BadInput: it is none, or has a password that others can read.
    """
    if given is None:
        told = os.environ.get(DATABASE_VARIABLE)
        return postgresql_url(told) if told else None
    url = postgresql_url(given)
    if url.password is not None:
        raise BadInput(
            where="--database",
            got="a password, which every user of this machine can read in the list of processes",
            wanted="a URL without it",
            next_step=f"give the whole URL in the environment variable {DATABASE_VARIABLE} instead",
        )
    return url
