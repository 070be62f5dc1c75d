"""A database that is locked, full or gone, in words; whoever asks is told to come again."""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import FastAPI, Request
from sqlalchemy import exc

from trunnion_bridge.database import Busy, Gone
from trunnion_bridge.problem import ProblemResponse, Refused, problem

# Of all that SQLAlchemy raises, what may be over in a moment. The rest are faults of the bridge.
PASSING = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError, Busy, Gone)
_AGAIN_S = 2


def install(app: FastAPI) -> None:
    """Answer 503 to a request that the database keeps from being answered."""
    for kind in PASSING:
        app.add_exception_handler(kind, on_away)


def database_away(error: exc.SQLAlchemyError) -> Refused:
    """The answer to a request that needed the database."""
    got, next_step = said(error)
    return Refused(
        "database-away",
        where="the database of the orders",
        got=got,
        wanted="one that can be read and written",
        next_step=f"send the request again in {_AGAIN_S} s, an order with its Idempotency-Key; {next_step}",
        headers={"Retry-After": str(_AGAIN_S)},
    )


def said(error: exc.SQLAlchemyError) -> tuple[str, str]:
    """What is the matter, and what whoever runs the bridge does about it."""
    if isinstance(error, Busy):
        return "a database for which others wait already", "find out why it is slow, if it stays so"
    if isinstance(error, Gone):
        return f"{error}, which is not there any more", "bring the file back, or start the bridge anew"
    cause: Any = error.orig if isinstance(error, exc.DBAPIError) else error
    words = str(cause)
    if "database is locked" in words or isinstance(cause, psycopg.errors.LockNotAvailable):
        return "a database that is locked", "find out who keeps it locked, if it stays so"
    if "disk is full" in words or "disk I/O" in words or isinstance(cause, psycopg.errors.DiskFull):
        return "a disk that is full or broken", "make room on the disk of the database"
    return f"a database that does not answer ({type(cause).__name__})", "see that its server runs"


async def on_away(request: Request, error: Exception) -> ProblemResponse:
    """The answer to a request that met one of PASSING."""
    assert isinstance(error, exc.SQLAlchemyError)
    return problem(database_away(error), request.url.path)
