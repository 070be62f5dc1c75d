"""Orders in the database: every change is on the platter before it is acknowledged."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from trunnion_bridge.database import Database
from trunnion_bridge.models import Order, OrderDetail, OrderLine, OrderRequest, OrderState
from trunnion_bridge.problem import Refused
from trunnion_bridge.tables import EventRow, OrderRow, event_of, order_of

STATES: tuple[OrderState, ...] = ("queued", "running", "succeeded", "failed", "cancelled")
RETAINED = 10_000  # events of which the content is kept, for those who come back


class Store:
    """All orders ever posted. Thread-safe, in a database that is open."""

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time, retained: int = RETAINED
    ) -> None:
        self._database = database
        self._retained = retained
        self._clock = clock

    def create(self, request: OrderRequest, key: str | None, queued_max: int) -> tuple[Order, bool]:
        """Add an order at the end of the queue; with a `key` used before for the same content, give that order.

        Returns:
            The order, and whether it is new.

        Raises:
            Refused: the key belongs to another content, or the queue is full.
        """
        with self._database.writing() as session:
            known = key and session.scalar(select(OrderRow).where(OrderRow.idempotency_key == key))
            if known:
                return self._same_or_refused(known, request, str(key)), False
            waiting = session.scalar(select(func.count()).where(OrderRow.state == "queued")) or 0
            if waiting >= queued_max:
                raise _queue_full(waiting)
            row = self._new_row(request, key)
            self._note(session, row, "the order is in the queue")
            return order_of(row), True

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

    def next_queued(self) -> Order | None:
        """The order whose turn it is."""
        query = select(OrderRow).where(OrderRow.state == "queued").order_by(OrderRow.number).limit(1)
        with self._database.reading() as session:
            row = session.scalar(query)
            return order_of(row) if row else None

    def counts(self) -> dict[OrderState, int]:
        """How many orders are in each state."""
        query = select(OrderRow.state, func.count()).group_by(OrderRow.state)
        with self._database.reading() as session:
            found = dict(session.execute(query).all())
        return {state: found.get(state, 0) for state in STATES}

    def start(self, order_id: str) -> Order | None:
        """Take a queued order to running; None when it is no longer queued."""
        with self._database.writing() as session:
            row = self._in_state(session, order_id, "queued")
            if row is None:
                return None
            row.state, row.started_ms = "running", self._now_ms()
            self._note(session, row, "the sorter has taken the order")
            return order_of(row)

    def note(self, order_id: str, message: str) -> Order | None:
        """Add a message to an order that has not ended."""
        with self._database.writing() as session:
            row = self._in_state(session, order_id, "queued", "running")
            if row is None:
                return None
            self._note(session, row, message)
            return order_of(row)

    def progress(
        self, order_id: str, *, phase: str, part: str, sorted_parts: int, message: str
    ) -> Order | None:
        """Record how far a running order is."""
        with self._database.writing() as session:
            row = self._in_state(session, order_id, "running")
            if row is None:
                return None
            row.phase, row.part, row.sorted = phase, part, sorted_parts
            self._note(session, row, message)
            return order_of(row)

    def finish(
        self, order_id: str, state: OrderState, message: str, sorted_parts: int | None = None
    ) -> Order | None:
        """End an order that is queued or running; None when it had ended before."""
        with self._database.writing() as session:
            row = self._in_state(session, order_id, "queued", "running")
            if row is None:
                return None
            self._end(session, row, state, message, sorted_parts)
            return order_of(row)

    def cancel_queued(self, order_id: str) -> Order | None:
        """End an order that has not begun; None when it has."""
        with self._database.writing() as session:
            row = self._in_state(session, order_id, "queued")
            if row is None:
                return None
            self._end(session, row, "cancelled", "cancelled before it began", None)
            return order_of(row)

    def fail_running(self, message: str) -> list[Order]:
        """End every order that is still marked as running, because nobody looks after it any more."""
        with self._database.writing() as session:
            rows = list(session.scalars(select(OrderRow).where(OrderRow.state == "running")))
            for row in rows:
                self._end(
                    session,
                    row,
                    "failed",
                    f"{message}; {row.sorted} of {row.requested} parts had been sorted",
                    None,
                )
            return [order_of(row) for row in rows]

    def _in_state(self, session: Session, order_id: str, *states: OrderState) -> OrderRow | None:
        return session.scalar(select(OrderRow).where(OrderRow.id == order_id, OrderRow.state.in_(states)))

    def _new_row(self, request: OrderRequest, key: str | None) -> OrderRow:
        return OrderRow(
            id=str(uuid.uuid4()),
            state="queued",
            lines=_canonical(request.lines),
            bin=request.bin,
            requested=sum(line.quantity for line in request.lines),
            sorted=0,
            phase="",
            part="",
            created_ms=self._now_ms(),
            idempotency_key=key,
        )

    def _same_or_refused(self, row: OrderRow, request: OrderRequest, key: str) -> Order:
        if (row.lines, row.bin) == (_canonical(request.lines), request.bin):
            return order_of(row)
        raise Refused(
            "idempotency-conflict",
            where="Idempotency-Key",
            got=f"'{key}' with other content than at first",
            wanted=f"the content of order {row.id}, or a new key",
            next_step="use a new key for a new order",
        )

    def _end(
        self, session: Session, row: OrderRow, state: OrderState, message: str, sorted_parts: int | None
    ) -> None:
        row.state, row.ended_ms, row.phase, row.part = state, self._now_ms(), "", ""
        if sorted_parts is not None:
            row.sorted = sorted_parts
        self._note(session, row, message)

    def _note(self, session: Session, row: OrderRow, message: str) -> None:
        """Every change ends here: the order and its event are written together, or not at all."""
        row.message = message.replace("\0", "\ufffd")  # PostgreSQL has no text with it
        session.add(row)
        session.flush()
        event = EventRow(
            order_number=row.number,
            at_ms=self._now_ms(),
            state=row.state,
            sorted=row.sorted,
            message=row.message,
        )
        session.add(event)
        session.flush()
        row.event = event.number
        event.content = order_of(row).model_dump_json()
        # A few more than one: a transaction that was undone leaves a gap in the numbers.
        old = EventRow.number.between(row.event - self._retained - 64, row.event - self._retained)
        session.execute(update(EventRow).where(old).values(content=None))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _canonical(lines: list[OrderLine]) -> str:
    return json.dumps([[line.part, line.quantity] for line in lines], separators=(",", ":"))


def _queue_full(waiting: int) -> Refused:
    return Refused(
        "queue-full",
        where="the queue",
        got=f"{waiting} orders that wait",
        wanted="fewer",
        next_step="post the order again when some have ended",
    )
