from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="SessionEnd")


@_attrs_define
class SessionEnd:
    """A session that has ended here.

    Attributes:
        id_token (None | str): `id_token_hint` for the provider's end of session, if it was left here
    """

    id_token: None | str

    def to_dict(self) -> dict[str, Any]:
        id_token: None | str
        id_token = self.id_token

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id_token": id_token,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_id_token(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        id_token = _parse_id_token(d.pop("id_token"))

        session_end = cls(
            id_token=id_token,
        )

        return session_end
