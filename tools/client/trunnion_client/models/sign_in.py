from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="SignIn")


@_attrs_define
class SignIn:
    """Where the page signs its reader in, with the authorization code flow; nulls where that is not needed.

    Attributes:
        issuer (None | str):
        client_id (None | str):
        scope (None | str):
        resource (None | str):
    """

    issuer: None | str
    client_id: None | str
    scope: None | str
    resource: None | str

    def to_dict(self) -> dict[str, Any]:
        issuer: None | str
        issuer = self.issuer

        client_id: None | str
        client_id = self.client_id

        scope: None | str
        scope = self.scope

        resource: None | str
        resource = self.resource

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "issuer": issuer,
                "client_id": client_id,
                "scope": scope,
                "resource": resource,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_issuer(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        issuer = _parse_issuer(d.pop("issuer"))

        def _parse_client_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        client_id = _parse_client_id(d.pop("client_id"))

        def _parse_scope(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        scope = _parse_scope(d.pop("scope"))

        def _parse_resource(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        resource = _parse_resource(d.pop("resource"))

        sign_in = cls(
            issuer=issuer,
            client_id=client_id,
            scope=scope,
            resource=resource,
        )

        return sign_in
