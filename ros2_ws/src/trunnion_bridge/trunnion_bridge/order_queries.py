"""What is asked of the orders in the database, and of their changes; nothing here writes."""

from __future__ import annotations

from sqlalchemy import func, select

from trunnion_bridge.database import Database
from trunnion_bridge.lifecycle import STATES, WITH_THE_SORTER
from trunnion_bridge.models import Order, OrderDetail, OrderState
from trunnion_bridge.tables import EventRow, OrderRow, event_of, order_of


class OrderQueries:
    """Thread-safe, in a database that is open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, order_id: str) -> OrderDetail | None:
        """The order with its history."""
        if "\0" in order_id:  # PostgreSQL has no text with it
            return None
        with self._database.reading() as session:
            row = session.scalar(select(OrderRow).where(OrderRow.id == order_id))
            if row is None:
                return None
            return OrderDetail(**order_of(row).model_dump(), events=[event_of(e) for e in row.events])

    def page(self, limit: int, before: int | None = None, state: OrderState | None = None) -> list[Order]:
        """Up to `limit` orders, newest first, with numbers below `before`."""
        query = select(OrderRow).order_by(OrderRow.number.desc()).limit(limit)
        if before is not None:
            query = query.where(OrderRow.number < before)
        if state is not None:
            query = query.where(OrderRow.state == state)
        with self._database.reading() as session:
            return [order_of(row) for row in session.scalars(query)]

    def newest(self, limit: int) -> tuple[int, list[Order]]:
        """The id of the latest event, and up to `limit` orders as they were after it, newest first."""
        query = select(OrderRow).order_by(OrderRow.number.desc()).limit(limit)
        with self._database.reading() as session:
            latest = session.scalar(select(func.max(EventRow.number))) or 0
            return latest, [order_of(row) for row in session.scalars(query)]

    def latest(self) -> int:
        """The id of the latest event; 0 before the first."""
        with self._database.reading() as session:
            return session.scalar(select(func.max(EventRow.number))) or 0

    def events_after(self, event_id: int, limit: int) -> list[tuple[int, Order]] | None:
        """Up to `limit` events after one, oldest first: its id, and the order as it was after it.

        None when events between are no longer retained, or when there was no such event.
        """
        query = select(EventRow).where(EventRow.number > event_id).order_by(EventRow.number).limit(limit)
        with self._database.reading() as session:
            if event_id > (session.scalar(select(func.max(EventRow.number))) or 0):
                return None
            rows = list(session.scalars(query))
        if any(row.content is None for row in rows):
            return None
        return [(row.number, Order.model_validate_json(row.content or "")) for row in rows]

    def next_up(self) -> Order | None:
        """The order whose turn it is: one that the sorter may have already, then the oldest that waits."""
        query = select(OrderRow).order_by(OrderRow.number).limit(1)
        with self._database.reading() as session:
            for states in (WITH_THE_SORTER, ("queued",)):
                if row := session.scalar(query.where(OrderRow.state.in_(states))):
                    return order_of(row)
        return None

    def counts(self) -> dict[OrderState, int]:
        """How many orders are in each state."""
        query = select(OrderRow.state, func.count()).group_by(OrderRow.state)
        with self._database.reading() as session:
            found = dict(session.execute(query).all())
        return {state: found.get(state, 0) for state in STATES}
