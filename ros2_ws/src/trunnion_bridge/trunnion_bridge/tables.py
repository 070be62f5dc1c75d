"""The tables that hold orders and what happened to them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA_VERSION = 1


class Base(DeclarativeBase):
    """All tables of the bridge."""


class OrderRow(Base):
    """An order; `number` counts them and gives the order in which they run."""

    __tablename__ = "orders"
    __table_args__ = (Index("orders_by_state", "state", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    lines: Mapped[str]
    bin: Mapped[str]
    requested: Mapped[int]
    sorted: Mapped[int] = mapped_column(default=0)
    phase: Mapped[str] = mapped_column(default="")
    part: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(default="")
    created_ms: Mapped[int]
    started_ms: Mapped[int | None]
    ended_ms: Mapped[int | None]
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    events: Mapped[list[EventRow]] = relationship(order_by="EventRow.number")


class EventRow(Base):
    """One thing that happened to an order."""

    __tablename__ = "order_events"

    number: Mapped[int] = mapped_column(primary_key=True)
    order_number: Mapped[int] = mapped_column(ForeignKey("orders.number"), index=True)
    at_ms: Mapped[int]
    state: Mapped[str]
    sorted: Mapped[int]
    message: Mapped[str]
