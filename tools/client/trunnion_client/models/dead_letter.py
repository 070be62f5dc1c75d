from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.dead_letter_type import DeadLetterType

T = TypeVar("T", bound="DeadLetter")


@_attrs_define
class DeadLetter:
    """An event that was given up.

    Attributes:
        number (int):
        message_id (str): its `webhook-id`, the same when it is sent again
        type_ (DeadLetterType):
        order_id (str):
        event (int):
        attempts (int):
        last_failure (None | str):
        at (datetime.datetime): when it happened
        given_up_at (datetime.datetime):
    """

    number: int
    message_id: str
    type_: DeadLetterType
    order_id: str
    event: int
    attempts: int
    last_failure: None | str
    at: datetime.datetime
    given_up_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        number = self.number

        message_id = self.message_id

        type_ = self.type_.value

        order_id = self.order_id

        event = self.event

        attempts = self.attempts

        last_failure: None | str
        last_failure = self.last_failure

        at = self.at.isoformat()

        given_up_at = self.given_up_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "number": number,
                "message_id": message_id,
                "type": type_,
                "order_id": order_id,
                "event": event,
                "attempts": attempts,
                "last_failure": last_failure,
                "at": at,
                "given_up_at": given_up_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        number = d.pop("number")

        message_id = d.pop("message_id")

        type_ = DeadLetterType(d.pop("type"))

        order_id = d.pop("order_id")

        event = d.pop("event")

        attempts = d.pop("attempts")

        def _parse_last_failure(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        last_failure = _parse_last_failure(d.pop("last_failure"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        given_up_at = datetime.datetime.fromisoformat(d.pop("given_up_at"))

        dead_letter = cls(
            number=number,
            message_id=message_id,
            type_=type_,
            order_id=order_id,
            event=event,
            attempts=attempts,
            last_failure=last_failure,
            at=at,
            given_up_at=given_up_at,
        )

        return dead_letter
