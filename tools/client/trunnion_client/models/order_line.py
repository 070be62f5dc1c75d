from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="OrderLine")


@_attrs_define
class OrderLine:
    """So many of one part.

    Attributes:
        part (str): one of `bundle.parts` in /v1/state
        quantity (int):
    """

    part: str
    quantity: int

    def to_dict(self) -> dict[str, Any]:
        part = self.part

        quantity = self.quantity

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "part": part,
                "quantity": quantity,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        part = d.pop("part")

        quantity = d.pop("quantity")

        order_line = cls(
            part=part,
            quantity=quantity,
        )

        return order_line
