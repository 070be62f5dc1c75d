"""What is still to be told to webhooks: written with the change itself, gone when it is delivered."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import cast

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from trunnion_bridge.access import audit
from trunnion_bridge.database import Database
from trunnion_bridge.models import OrderState
from trunnion_bridge.outward.event_types import type_of
from trunnion_bridge.outward.tables import DeliveryRow, WebhookRow
from trunnion_bridge.tables import EventRow, OrderRow

KEPT_MS = 30 * 24 * 3600 * 1000  # how long dead letters are kept
_FAILURE_MAX = 300


def enqueue(session: Session, order: OrderRow, event: EventRow) -> None:
    """In the transaction that writes `event`: one delivery for each webhook that wants to hear of it."""
    wanting = session.execute(
        select(WebhookRow.id, WebhookRow.types).where(WebhookRow.disabled_because.is_(None))
    )
    webhooks = wanting.all()
    if not webhooks:
        return
    earlier = select(EventRow.state).where(
        EventRow.order_number == order.number, EventRow.number < event.number
    )
    before = session.scalar(earlier.order_by(EventRow.number.desc()).limit(1))
    kind = type_of(cast(OrderState, event.state), cast("OrderState | None", before))
    session.add_all(
        DeliveryRow(
            webhook_id=webhook_id,
            event=event.number,
            order_number=order.number,
            order_id=order.id,
            type=kind,
            at_ms=event.at_ms,
            content=event.content or "",
            attempts=0,
            due_ms=event.at_ms,
        )
        for webhook_id, types in webhooks
        if kind in types.split()
    )


class Outbox:
    """Thread-safe, in a database that is open; `clock` is Unix time in seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def due(self, webhook_id: str, limit: int, besides: Collection[int] = ()) -> list[DeliveryRow]:
        """Up to `limit` deliveries whose time has come, each the first of its order, of orders not in `besides`."""
        first = aliased(DeliveryRow)
        held = exists().where(
            first.webhook_id == DeliveryRow.webhook_id,
            first.order_number == DeliveryRow.order_number,
            first.dead_ms.is_(None),
            first.event < DeliveryRow.event,
        )
        query = (
            select(DeliveryRow)
            .where(DeliveryRow.webhook_id == webhook_id, DeliveryRow.dead_ms.is_(None))
            .where(DeliveryRow.due_ms <= self._now_ms(), ~held)
            .where(DeliveryRow.order_number.not_in(besides))
            .order_by(DeliveryRow.due_ms, DeliveryRow.event)
            .limit(limit)
        )
        with self._database.reading() as session:
            return list(session.scalars(query))

    def delivered(self, row: DeliveryRow) -> None:
        """The receiver has it."""
        with self._database.writing() as session:
            session.execute(delete(DeliveryRow).where(DeliveryRow.number == row.number))
            self._mark(session, row.webhook_id, last_success_ms=self._now_ms(), failures=0)

    def failed(self, row: DeliveryRow, why: str, wait_s: float | None) -> None:
        """The receiver does not have it. It is due again after `wait_s`; with None it is given up.

        What waits behind one that is given up is given up with it: sent again, they go in their order.
        """
        why, now_ms = why[:_FAILURE_MAX], self._now_ms()
        own = update(DeliveryRow).where(DeliveryRow.number == row.number, DeliveryRow.dead_ms.is_(None))
        with self._database.writing() as session:
            self._mark(
                session,
                row.webhook_id,
                last_failure_ms=now_ms,
                last_failure=why,
                failures=WebhookRow.failures + 1,
            )
            session.execute(own.values(attempts=DeliveryRow.attempts + 1, last_failure=why))
            if wait_s is not None:
                session.execute(own.values(due_ms=now_ms + int(wait_s * 1000)))
                return
            session.execute(own.values(dead_ms=now_ms))
            behind = DeliveryRow.webhook_id == row.webhook_id, DeliveryRow.order_number == row.order_number
            self._give_up(session, f"it waited behind event {row.event}, which was given up", *behind)

    def gone(self, row: DeliveryRow, why: str) -> None:
        """The receiver wants no more: the webhook is disabled, and all that waits for it is given up."""
        with self._database.writing() as session:
            now_ms = self._now_ms()
            self._mark(
                session, row.webhook_id, last_failure_ms=now_ms, last_failure=why, failures=WebhookRow.failures + 1,
                disabled_because=why,
            )  # fmt: skip
            self._give_up(session, why, DeliveryRow.webhook_id == row.webhook_id)

    def dead_letters(self, webhook_id: str, limit: int, after: int = 0) -> list[DeliveryRow]:
        """Up to `limit` deliveries that were given up, with numbers above `after`, oldest first."""
        dead = DeliveryRow.webhook_id == webhook_id, DeliveryRow.dead_ms.is_not(None)
        query = select(DeliveryRow).where(*dead, DeliveryRow.number > after).order_by(DeliveryRow.number)
        with self._database.reading() as session:
            return list(session.scalars(query.limit(limit)))

    def redeliver(self, webhook_id: str, numbers: Sequence[int] | None) -> int:
        """Make dead letters due now, those of `numbers` or all; how many. They have all their attempts again."""
        dead = DeliveryRow.webhook_id == webhook_id, DeliveryRow.dead_ms.is_not(None)
        query = update(DeliveryRow).where(*dead)
        if numbers is not None:
            query = query.where(DeliveryRow.number.in_(numbers))
        with self._database.writing() as session:
            counted = session.execute(query.values(dead_ms=None, attempts=0, due_ms=self._now_ms()))
            audit.enter(session, webhook_id, detail=f"{counted.rowcount} dead letters")  # type: ignore[attr-defined]
            return int(counted.rowcount)  # type: ignore[attr-defined]

    def forget(self) -> None:
        """Delete dead letters that were given up a month ago."""
        old = delete(DeliveryRow).where(DeliveryRow.dead_ms < self._now_ms() - KEPT_MS)
        with self._database.writing() as session:
            session.execute(old)

    def counts(self) -> dict[str, tuple[int, int]]:
        """For each webhook that has any: how many deliveries wait, and how many were given up."""
        dead = func.count(DeliveryRow.dead_ms)
        query = select(DeliveryRow.webhook_id, func.count() - dead, dead).group_by(DeliveryRow.webhook_id)
        with self._database.reading() as session:
            return {
                webhook_id: (waiting, given_up) for webhook_id, waiting, given_up in session.execute(query)
            }

    def _give_up(self, session: Session, why: str, *which: object) -> None:
        waiting = update(DeliveryRow).where(*which, DeliveryRow.dead_ms.is_(None))  # type: ignore[arg-type]
        session.execute(waiting.values(dead_ms=self._now_ms(), last_failure=why))

    def _mark(self, session: Session, webhook_id: str, **values: object) -> None:
        session.execute(update(WebhookRow).where(WebhookRow.id == webhook_id).values(**values))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
