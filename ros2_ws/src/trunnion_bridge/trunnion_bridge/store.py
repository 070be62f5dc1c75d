"""Orders in the database: every change is on the platter before it is acknowledged."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from trunnion_bridge.access import audit
from trunnion_bridge.database import Database
from trunnion_bridge.leadership import Fence, no_fence
from trunnion_bridge.lifecycle import ENDED, WITH_THE_SORTER, before
from trunnion_bridge.models import Order, OrderLine, OrderRequest, OrderState
from trunnion_bridge.order_queries import OrderQueries
from trunnion_bridge.outward.outbox import enqueue
from trunnion_bridge.problem import Refused
from trunnion_bridge.tables import EventRow, OrderRow, order_of
from trunnion_bridge.tracing import traceparent

CHANNEL = "trunnion_orders"  # where other bridges hear that something was written
RETAINED = 10_000  # events of which the content is kept, for those who come back


class Store(OrderQueries):
    """All orders ever posted, and every change of them. Thread-safe, in a database that is open.

    What the bridge writes that talks to the robot must pass the fence, and raises Deposed otherwise.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.time,
        retained: int = RETAINED,
        fence: Callable[[], Fence] = lambda: no_fence,
    ) -> None:
        super().__init__(database)
        self._fence = fence
        self._retained = retained
        self._clock = clock

    def create(self, request: OrderRequest, key: str | None, queued_max: int) -> tuple[Order, bool]:
        """Add an order at the end of the queue; with a `key` used before for the same content, give that order.

        Returns:
            The order, and whether it is new.

        Raises:
            Refused: the key belongs to another content, the deadline has passed, or the queue is full.
        """
        with self._database.writing() as session:
            known = key and session.scalar(select(OrderRow).where(OrderRow.idempotency_key == key))
            if known:
                same = self._same_or_refused(known, request, str(key))
                audit.enter(session, same.id, "unchanged", "the key was used before, for this very order")
                return same, False
            if request.deadline and (_deadline_ms(request) or 0) <= self._now_ms():
                raise _too_late(request.deadline)
            waiting = session.scalar(select(func.count()).where(OrderRow.state == "queued")) or 0
            if waiting >= queued_max:
                raise _queue_full(waiting)
            row = self._new_row(request, key)
            self._note(session, row, "the order is in the queue")
            audit.enter(session, row.id)
            return order_of(row), True

    def hand_over(self, order_id: str) -> Order | None:
        """Take a queued order to starting, before the sorter hears of it; None when it is no longer queued."""
        return self._follow(order_id, "starting", "the order is given to the sorter")

    def start(self, order_id: str) -> Order | None:
        """Take a starting order to running; None when it is not starting."""
        return self._follow(order_id, "running", "the sorter has taken the order")

    def note(self, order_id: str, message: str) -> Order | None:
        """Add a message to an order that has not ended."""
        with self._leading() as session:
            row = self._in_state(session, order_id, "queued", *WITH_THE_SORTER)
            if row is None:
                return None
            self._note(session, row, message)
            return order_of(row)

    def progress(
        self, order_id: str, *, phase: str, part: str, sorted_parts: int, message: str
    ) -> Order | None:
        """Record how far a running order is."""
        with self._leading() as session:
            row = self._in_state(session, order_id, "running")
            if row is None:
                return None
            row.phase, row.part, row.sorted = phase, part, sorted_parts
            self._note(session, row, message)
            return order_of(row)

    def finish(
        self, order_id: str, state: OrderState, message: str, sorted_parts: int | None = None
    ) -> Order | None:
        """End an order; None when it may not end so, or had ended before."""
        return self._follow(order_id, state, message, sorted_parts)

    def cancel(self, order_id: str) -> Order | None:
        """End an order that waits, and note of one that the sorter may have that it is to be left; else None."""
        with self._database.writing() as session:
            row = self._in_state(session, order_id, "queued", *WITH_THE_SORTER)
            if row is None:
                return None
            if row.state == "queued":
                self._end(session, row, "cancelled", "cancelled before it began", None)
            else:
                row.cancelling = True
                self._note(session, row, "to be cancelled: the sorter is asked to leave off")
            audit.enter(session, row.id)
            return order_of(row)

    def expire(self) -> list[Order]:
        """End every order that waits and whose deadline has passed."""
        query = select(OrderRow).where(OrderRow.state == "queued", OrderRow.deadline_ms <= self._now_ms())
        with self._database.reading() as session:
            if session.scalar(query.limit(1)) is None:
                return []
        with self._leading() as session:
            rows = list(session.scalars(query))
            for row in rows:
                self._end(session, row, "failed", "its deadline passed while it waited", None)
            return [order_of(row) for row in rows]

    def fail_running(self, message: str) -> list[Order]:
        """End every order that the sorter may have, because nobody looks after it any more."""
        with self._leading() as session:
            rows = list(session.scalars(select(OrderRow).where(OrderRow.state.in_(WITH_THE_SORTER))))
            for row in rows:
                self._end(
                    session,
                    row,
                    "failed",
                    f"{message}; {row.sorted} of {row.requested} parts had been sorted",
                    None,
                )
            return [order_of(row) for row in rows]

    @contextmanager
    def _leading(self) -> Iterator[Session]:
        """A transaction of the bridge that talks to the robot."""
        fence = self._fence()
        with self._database.writing() as session:
            fence(session)
            yield session

    def _follow(
        self, order_id: str, state: OrderState, message: str, sorted_parts: int | None = None
    ) -> Order | None:
        with self._leading() as session:
            row = self._in_state(session, order_id, *before(state))
            if row is None:
                return None
            if state in ENDED:
                self._end(session, row, state, message, sorted_parts)
            else:
                row.state = state
                row.started_ms = self._now_ms() if state == "running" else None
                self._note(session, row, message)
            return order_of(row)

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
            deadline_ms=_deadline_ms(request),
            cancelling=False,
            idempotency_key=key,
            traceparent=traceparent(),
        )

    def _same_or_refused(self, row: OrderRow, request: OrderRequest, key: str) -> Order:
        known = (row.lines, row.bin, row.deadline_ms)
        if known == (_canonical(request.lines), request.bin, _deadline_ms(request)):
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
        enqueue(session, row, event)
        # A few more than one: a transaction that was undone leaves a gap in the numbers.
        old = EventRow.number.between(row.event - self._retained - 64, row.event - self._retained)
        session.execute(update(EventRow).where(old).values(content=None))
        self._database.notify(session, CHANNEL, str(row.event))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _canonical(lines: list[OrderLine]) -> str:
    return json.dumps([[line.part, line.quantity] for line in lines], separators=(",", ":"))


def _deadline_ms(request: OrderRequest) -> int | None:
    return int(request.deadline.timestamp() * 1000) if request.deadline else None


def _too_late(deadline: datetime) -> Refused:
    return Refused(
        "deadline-passed",
        where="body.deadline",
        got=deadline.isoformat(),
        wanted="a time to come",
        next_step="order with a later deadline, or with none",
    )


def _queue_full(waiting: int) -> Refused:
    return Refused(
        "queue-full",
        where="the queue",
        got=f"{waiting} orders that wait",
        wanted="fewer",
        next_step="post the order again when some have ended",
    )
