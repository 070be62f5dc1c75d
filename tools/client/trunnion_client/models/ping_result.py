from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="PingResult")


@_attrs_define
class PingResult:
    """What became of a test message.

    Attributes:
        delivered (bool):
        message (str): what the receiver answered, or why it was not reached
        duration_ms (int):
    """

    delivered: bool
    message: str
    duration_ms: int

    def to_dict(self) -> dict[str, Any]:
        delivered = self.delivered

        message = self.message

        duration_ms = self.duration_ms

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "delivered": delivered,
                "message": message,
                "duration_ms": duration_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        delivered = d.pop("delivered")

        message = d.pop("message")

        duration_ms = d.pop("duration_ms")

        ping_result = cls(
            delivered=delivered,
            message=message,
            duration_ms=duration_ms,
        )

        return ping_result
