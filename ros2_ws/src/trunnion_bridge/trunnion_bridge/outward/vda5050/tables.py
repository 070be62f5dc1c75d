"""The table of orders that came by VDA5050."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from trunnion_bridge.columns import Number
from trunnion_bridge.tables import Base


class MessageRow(Base):
    """An order or an update of one, written before it is put into the queue."""

    __tablename__ = "vda5050_orders"
    __table_args__ = (Index("vda5050_by_id", "order_id", "update_id", unique=True),)

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    order_id: Mapped[str]
    update_id: Mapped[int] = mapped_column(Number)
    content: Mapped[str]  # nodes and edges as JSON
    new: Mapped[str]  # the ids of the actions that were new in it, as JSON
    cancelled: Mapped[bool]
