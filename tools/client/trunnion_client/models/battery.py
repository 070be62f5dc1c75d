from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Battery")


@_attrs_define
class Battery:
    """What the robot says of its battery.

    Attributes:
        charge_percent (float):
        charging (bool):
    """

    charge_percent: float
    charging: bool

    def to_dict(self) -> dict[str, Any]:
        charge_percent = self.charge_percent

        charging = self.charging

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "charge_percent": charge_percent,
                "charging": charging,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        charge_percent = d.pop("charge_percent")

        charging = d.pop("charging")

        battery = cls(
            charge_percent=charge_percent,
            charging=charging,
        )

        return battery
