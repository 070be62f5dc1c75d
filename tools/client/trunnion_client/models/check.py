from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Check")


@_attrs_define
class Check:
    """One condition of being ready.

    Attributes:
        name (str):
        ok (bool):
        message (str):
    """

    name: str
    ok: bool
    message: str

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        ok = self.ok

        message = self.message

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "ok": ok,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        ok = d.pop("ok")

        message = d.pop("message")

        check = cls(
            name=name,
            ok=ok,
            message=message,
        )

        return check
