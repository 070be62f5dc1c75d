"""The tables that last: orders, what happened to them, keys, and the audit log; orders as the API shows them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import cast

from sqlalchemy import ForeignKey, Index, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from trunnion_bridge.columns import Number
from trunnion_bridge.models import Order, OrderEvent, OrderLine, OrderState


class Base(DeclarativeBase):
    """All tables of the bridge."""


class OrderRow(Base):
    """An order; `number` counts them and gives the order in which they run."""

    __tablename__ = "orders"
    __table_args__ = (Index("orders_by_state", "state", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    lines: Mapped[str]
    bin: Mapped[str]
    requested: Mapped[int]
    sorted: Mapped[int] = mapped_column(default=0)
    phase: Mapped[str] = mapped_column(default="")
    part: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(default="")
    created_ms: Mapped[int] = mapped_column(Number)
    started_ms: Mapped[int | None] = mapped_column(Number)
    ended_ms: Mapped[int | None] = mapped_column(Number)
    deadline_ms: Mapped[int | None] = mapped_column(Number)
    cancelling: Mapped[bool] = mapped_column(default=False, server_default=false())
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    event: Mapped[int] = mapped_column(Number, default=0, server_default="0")
    traceparent: Mapped[str] = mapped_column(default="", server_default="")
    events: Mapped[list[EventRow]] = relationship(order_by="EventRow.number")


class EventRow(Base):
    """One thing that happened to an order; `number` grows over all orders, in the order of the commits."""

    __tablename__ = "order_events"

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    order_number: Mapped[int] = mapped_column(Number, ForeignKey("orders.number"), index=True)
    at_ms: Mapped[int] = mapped_column(Number)
    state: Mapped[str]
    sorted: Mapped[int]
    message: Mapped[str]
    content: Mapped[str | None]  # the order after it, as JSON, while it is retained


class KeyRow(Base):
    """A key of a machine, of which only the digest is kept."""

    __tablename__ = "api_keys"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    areas: Mapped[str | None]  # a list as JSON
    digest: Mapped[str]
    created_ms: Mapped[int] = mapped_column(Number)
    created_by: Mapped[str]
    expires_ms: Mapped[int] = mapped_column(Number)
    used_ms: Mapped[int | None] = mapped_column(Number)
    revoked_ms: Mapped[int | None] = mapped_column(Number)


class AuditRow(Base):
    """A change, or an attempt at one; the database itself refuses to change or to delete a row."""

    __tablename__ = "audit_log"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    at_ms: Mapped[int] = mapped_column(Number)
    who: Mapped[str] = mapped_column(index=True)
    via: Mapped[str]
    role: Mapped[str | None]
    address: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    outcome: Mapped[str]
    code: Mapped[str]
    detail: Mapped[str]
    request_id: Mapped[str]


class LeadershipRow(Base):
    """The bridge that leads, and how many have before; the only row there is."""

    __tablename__ = "leadership"

    id: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(Number)
    name: Mapped[str]
    url: Mapped[str]
    since_ms: Mapped[int] = mapped_column(Number)


def order_of(row: OrderRow) -> Order:
    """The order as the API shows it."""
    return Order(
        id=row.id,
        number=row.number,
        state=cast(OrderState, row.state),
        lines=[OrderLine(part=part, quantity=quantity) for part, quantity in json.loads(row.lines)],
        bin=row.bin,
        requested=row.requested,
        sorted=row.sorted,
        phase=row.phase,
        part=row.part,
        message=row.message,
        cancelling=row.cancelling,
        deadline=time_of(row.deadline_ms) if row.deadline_ms is not None else None,
        event=row.event,
        traceparent=row.traceparent,
        created_at=time_of(row.created_ms),
        started_at=time_of(row.started_ms) if row.started_ms is not None else None,
        ended_at=time_of(row.ended_ms) if row.ended_ms is not None else None,
    )


def event_of(row: EventRow) -> OrderEvent:
    """The event as the API shows it."""
    return OrderEvent(
        id=row.number,
        at=time_of(row.at_ms),
        state=cast(OrderState, row.state),
        sorted=row.sorted,
        message=row.message,
    )


def time_of(ms: int) -> datetime:
    """The moment `ms` after 1970 began, in UTC."""
    return datetime.fromtimestamp(ms / 1000, timezone.utc)
