from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="WebhookSecret")


@_attrs_define
class WebhookSecret:
    """The secret that signatures are made with. It is shown this once.

    Attributes:
        id (str):
        secret (str):
        before_until (datetime.datetime | None): until when the secret before this one signs as well; null where there
            is none
    """

    id: str
    secret: str
    before_until: datetime.datetime | None

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        secret = self.secret

        before_until: None | str
        if isinstance(self.before_until, datetime.datetime):
            before_until = self.before_until.isoformat()
        else:
            before_until = self.before_until

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "secret": secret,
                "before_until": before_until,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        secret = d.pop("secret")

        def _parse_before_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                before_until_type_0 = datetime.datetime.fromisoformat(data)

                return before_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        before_until = _parse_before_until(d.pop("before_until"))

        webhook_secret = cls(
            id=id,
            secret=secret,
            before_until=before_until,
        )

        return webhook_secret
