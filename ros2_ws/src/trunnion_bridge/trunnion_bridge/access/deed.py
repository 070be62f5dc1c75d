"""What a request is about to change, and who wants it: known wherever in the bridge the change is made.

A context variable carries it, because a change is written on another thread and many calls deeper than the request.
What the bridge does by itself, such as ending an order, is nobody's deed.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from trunnion_bridge.access.models import AuditEntry
from trunnion_bridge.access.roles import Caller


@dataclass
class Deed:
    """A request to change something.

    Attributes:
        action: what, such as `order.create`.
        state: of the request; it has the `caller`, as soon as that is known.
        entries: of the audit log, written with the change itself.
    """

    action: str
    address: str
    request_id: str
    state: MutableMapping[str, Any]
    entries: list[AuditEntry] = field(default_factory=list)

    @property
    def caller(self) -> Caller | None:
        """Who it is; None while that is not known."""
        caller: Caller | None = self.state.get("caller")
        return caller


CURRENT: ContextVar[Deed | None] = ContextVar("deed", default=None)


@contextmanager
def acting(deed: Deed) -> Iterator[None]:
    """What is changed inside of the block is this deed."""
    token = CURRENT.set(deed)
    try:
        yield
    finally:
        CURRENT.reset(token)
