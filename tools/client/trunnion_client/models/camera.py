from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="Camera")


@_attrs_define
class Camera:
    """The camera as last heard of.

    Attributes:
        here (bool):
        rate_hz (float):
        age_ms (int | None):
    """

    here: bool
    rate_hz: float
    age_ms: int | None

    def to_dict(self) -> dict[str, Any]:
        here = self.here

        rate_hz = self.rate_hz

        age_ms: int | None
        age_ms = self.age_ms

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "here": here,
                "rate_hz": rate_hz,
                "age_ms": age_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        here = d.pop("here")

        rate_hz = d.pop("rate_hz")

        def _parse_age_ms(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_ms = _parse_age_ms(d.pop("age_ms"))

        camera = cls(
            here=here,
            rate_hz=rate_hz,
            age_ms=age_ms,
        )

        return camera
