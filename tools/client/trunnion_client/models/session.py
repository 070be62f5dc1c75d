from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.session_role_type_0 import SessionRoleType0

T = TypeVar("T", bound="Session")


@_attrs_define
class Session:
    """Who the caller is until when; `token` goes behind `Authorization: Bearer`.

    Attributes:
        token (str):
        name (str):
        role (None | SessionRoleType0):
        expires_at (datetime.datetime):
    """

    token: str
    name: str
    role: None | SessionRoleType0
    expires_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        token = self.token

        name = self.name

        role: None | str
        if isinstance(self.role, SessionRoleType0):
            role = self.role.value
        else:
            role = self.role

        expires_at = self.expires_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "token": token,
                "name": name,
                "role": role,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        token = d.pop("token")

        name = d.pop("name")

        def _parse_role(data: object) -> None | SessionRoleType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                role_type_0 = SessionRoleType0(data)

                return role_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SessionRoleType0, data)

        role = _parse_role(d.pop("role"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        session = cls(
            token=token,
            name=name,
            role=role,
            expires_at=expires_at,
        )

        return session
