"""What the robot was sent to do, and what came of it: orders from the moment that the sorter had them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field
from sqlalchemy import select

from trunnion_bridge.database import Database
from trunnion_bridge.models import Model, Order, OrderState
from trunnion_bridge.tables import OrderRow, order_of


class Mission(Model):
    """An order that was begun. `missing` is what of it does not lie in the bin, for whatever reason."""

    order_id: str
    number: int = Field(description="the order's")
    robot: str = Field(examples=["cell"])
    state: OrderState
    requested: int = Field(description="parts asked for", examples=[3])
    sorted: int = Field(description="parts that lie in the bin", examples=[3])
    missing: int = Field(examples=[0])
    message: str = Field(examples=["3 parts lie in bin B"])
    waited_s: float = Field(description="from the posting of the order to its begin", examples=[0.4])
    took_s: float | None = Field(description="from its begin to its end; null while it runs", examples=[24.8])
    started_at: datetime
    ended_at: datetime | None


class MissionPage(Model):
    """Missions, newest first."""

    missions: list[Mission]
    next: str | None = Field(description="path of the next page; null on the last one")


class Missions:
    """Reads them from the orders. Thread-safe."""

    def __init__(self, database: Database, robot: str) -> None:
        self._database = database
        self._robot = robot

    def page(
        self,
        limit: int,
        before: int | None = None,
        state: OrderState | None = None,
        ended_after: datetime | None = None,
    ) -> list[Mission]:
        """Up to `limit` missions, newest first, with numbers below `before`."""
        query = select(OrderRow).where(OrderRow.started_ms.is_not(None))
        if before is not None:
            query = query.where(OrderRow.number < before)
        if state is not None:
            query = query.where(OrderRow.state == state)
        if ended_after is not None:
            query = query.where(OrderRow.ended_ms > int(ended_after.timestamp() * 1000))
        with self._database.reading() as session:
            rows = session.scalars(query.order_by(OrderRow.number.desc()).limit(limit))
            return [mission_of(order_of(row), self._robot) for row in rows]

    def get(self, order_id: str) -> Mission | None:
        """The mission of an order; None where there is none, or none yet."""
        if "\0" in order_id:  # PostgreSQL has no text with it
            return None
        query = select(OrderRow).where(OrderRow.id == order_id, OrderRow.started_ms.is_not(None))
        with self._database.reading() as session:
            row = session.scalar(query)
            return mission_of(order_of(row), self._robot) if row else None


def mission_of(order: Order, robot: str) -> Mission:
    """The mission of an order that was begun."""
    assert order.started_at is not None
    ended = order.ended_at
    return Mission(
        order_id=order.id,
        number=order.number,
        robot=robot,
        state=order.state,
        requested=order.requested,
        sorted=order.sorted,
        missing=order.requested - order.sorted,
        message=order.message,
        waited_s=round((order.started_at - order.created_at).total_seconds(), 3),
        took_s=round((ended - order.started_at).total_seconds(), 3) if ended else None,
        started_at=order.started_at,
        ended_at=ended,
    )
