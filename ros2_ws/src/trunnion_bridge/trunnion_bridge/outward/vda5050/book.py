"""Orders that came by VDA5050, kept over restarts and for the bridge that leads next."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from trunnion_bridge.database import Database
from trunnion_bridge.lifecycle import ENDED
from trunnion_bridge.models import Order
from trunnion_bridge.outward.vda5050.messages import Action, OrderMessage
from trunnion_bridge.outward.vda5050.tables import MessageRow
from trunnion_bridge.tables import OrderRow, order_of


@dataclass
class Entry:
    """An order or an update of one.

    Attributes:
        new: the actions that were new in it.
        order: what they became in the queue; None while that is not written, and where nothing was new.
    """

    message: OrderMessage
    new: list[Action]
    is_cancelled: bool = False
    order: Order | None = None

    @property
    def key(self) -> str:
        """The idempotency key of its order."""
        return key_of(self.message.order_id, self.message.order_update_id)

    @property
    def is_whole(self) -> bool:
        """Whether it reached the queue; otherwise the bridge or its database died in between."""
        return self.order is not None or not self.new

    @property
    def is_open(self) -> bool:
        """Whether the cell still has something to do for it."""
        return self.order is not None and self.order.state not in ENDED


def key_of(order_id: str, update_id: int) -> str:
    """Of a form that the header Idempotency-Key may have, too, however the ids look."""
    return "vda5050:" + hashlib.sha256(f"{update_id}:{order_id}".encode()).hexdigest()


class Book:
    """Thread-safe, in a database that is open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self) -> list[Entry]:
        """The order that came last, with all its updates, oldest first; without what was not put into the queue."""
        newest = select(MessageRow.order_id).order_by(MessageRow.number.desc()).limit(1).scalar_subquery()
        query = select(MessageRow).where(MessageRow.order_id == newest).order_by(MessageRow.update_id)
        with self._database.reading() as session:
            entries = [_entry_of(session, row) for row in session.scalars(query).all()]
        return [entry for entry in entries if entry.is_whole]

    def find(self, order_id: str, update_id: int) -> Entry | None:
        """What came with these ids; None when nothing did."""
        with self._database.reading() as session:
            row = session.scalar(select(MessageRow).where(*_same(order_id, update_id)))
            return _entry_of(session, row) if row else None

    def add(self, entry: Entry) -> None:
        """Write down what is about to be put into the queue; does nothing when it is written."""
        message = entry.message
        with self._database.writing() as session:
            if session.scalar(
                select(MessageRow.number).where(*_same(message.order_id, message.order_update_id))
            ):
                return
            new = json.dumps([action.action_id for action in entry.new])
            session.add(
                MessageRow(
                    order_id=message.order_id,
                    update_id=message.order_update_id,
                    content=message.content(),
                    new=new,
                    cancelled=False,
                )
            )

    def remove(self, entry: Entry) -> None:
        """It was not put into the queue after all."""
        message = entry.message
        with self._database.writing() as session:
            session.execute(delete(MessageRow).where(*_same(message.order_id, message.order_update_id)))

    def cancel(self, order_id: str) -> None:
        """Write down that an order was cancelled, so that no update follows."""
        cancelled = update(MessageRow).where(MessageRow.order_id == order_id).values(cancelled=True)
        with self._database.writing() as session:
            session.execute(cancelled)


def _same(order_id: str, update_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return MessageRow.order_id == order_id, MessageRow.update_id == update_id


def _entry_of(session: Session, row: MessageRow) -> Entry:
    said = json.loads(row.content)
    head = {"headerId": 0, "version": "", "orderId": row.order_id, "orderUpdateId": row.update_id}
    message = OrderMessage.model_validate({**head, **said})
    new = set(json.loads(row.new))
    entry = Entry(message, [action for action in message.actions() if action.action_id in new], row.cancelled)
    order = session.scalar(select(OrderRow).where(OrderRow.idempotency_key == entry.key))
    entry.order = order_of(order) if order else None
    return entry
