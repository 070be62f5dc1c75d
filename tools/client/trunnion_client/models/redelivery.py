from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Redelivery")


@_attrs_define
class Redelivery:
    """How many dead letters wait for delivery again.

    Attributes:
        redelivered (int):
    """

    redelivered: int

    def to_dict(self) -> dict[str, Any]:
        redelivered = self.redelivered

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "redelivered": redelivered,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        redelivered = d.pop("redelivered")

        redelivery = cls(
            redelivered=redelivered,
        )

        return redelivery
