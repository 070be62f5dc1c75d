from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.order_event_state import OrderEventState

T = TypeVar("T", bound="OrderEvent")


@_attrs_define
class OrderEvent:
    """Something that happened to an order.

    Attributes:
        id (int): grows with each event, over all orders
        at (datetime.datetime):
        state (OrderEventState):
        sorted_ (int):
        message (str):
    """

    id: int
    at: datetime.datetime
    state: OrderEventState
    sorted_: int
    message: str

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        at = self.at.isoformat()

        state = self.state.value

        sorted_ = self.sorted_

        message = self.message

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "at": at,
                "state": state,
                "sorted": sorted_,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        state = OrderEventState(d.pop("state"))

        sorted_ = d.pop("sorted")

        message = d.pop("message")

        order_event = cls(
            id=id,
            at=at,
            state=state,
            sorted_=sorted_,
            message=message,
        )

        return order_event
