from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.webhook_created_state import WebhookCreatedState
from ..models.webhook_created_types_item import WebhookCreatedTypesItem

T = TypeVar("T", bound="WebhookCreated")


@_attrs_define
class WebhookCreated:
    """A new subscription and its secret, which is shown this once.

    Attributes:
        id (str):
        url (str):
        types (list[WebhookCreatedTypesItem]):
        state (WebhookCreatedState):
        disabled_because (None | str):
        created_at (datetime.datetime):
        last_success_at (datetime.datetime | None):
        last_failure_at (datetime.datetime | None):
        last_failure (None | str): what went wrong then, in words
        failures (int): attempts that failed since the last that did not
        backlog (int): events that are still to be delivered
        dead_letters (int): events that were given up
        secret (str):
    """

    id: str
    url: str
    types: list[WebhookCreatedTypesItem]
    state: WebhookCreatedState
    disabled_because: None | str
    created_at: datetime.datetime
    last_success_at: datetime.datetime | None
    last_failure_at: datetime.datetime | None
    last_failure: None | str
    failures: int
    backlog: int
    dead_letters: int
    secret: str

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        url = self.url

        types = []
        for types_item_data in self.types:
            types_item = types_item_data.value
            types.append(types_item)

        state = self.state.value

        disabled_because: None | str
        disabled_because = self.disabled_because

        created_at = self.created_at.isoformat()

        last_success_at: None | str
        if isinstance(self.last_success_at, datetime.datetime):
            last_success_at = self.last_success_at.isoformat()
        else:
            last_success_at = self.last_success_at

        last_failure_at: None | str
        if isinstance(self.last_failure_at, datetime.datetime):
            last_failure_at = self.last_failure_at.isoformat()
        else:
            last_failure_at = self.last_failure_at

        last_failure: None | str
        last_failure = self.last_failure

        failures = self.failures

        backlog = self.backlog

        dead_letters = self.dead_letters

        secret = self.secret

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "url": url,
                "types": types,
                "state": state,
                "disabled_because": disabled_because,
                "created_at": created_at,
                "last_success_at": last_success_at,
                "last_failure_at": last_failure_at,
                "last_failure": last_failure,
                "failures": failures,
                "backlog": backlog,
                "dead_letters": dead_letters,
                "secret": secret,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        url = d.pop("url")

        types = []
        _types = d.pop("types")
        for types_item_data in _types:
            types_item = WebhookCreatedTypesItem(types_item_data)

            types.append(types_item)

        state = WebhookCreatedState(d.pop("state"))

        def _parse_disabled_because(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        disabled_because = _parse_disabled_because(d.pop("disabled_because"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_last_success_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_success_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_success_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_success_at = _parse_last_success_at(d.pop("last_success_at"))

        def _parse_last_failure_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_failure_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_failure_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_failure_at = _parse_last_failure_at(d.pop("last_failure_at"))

        def _parse_last_failure(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        last_failure = _parse_last_failure(d.pop("last_failure"))

        failures = d.pop("failures")

        backlog = d.pop("backlog")

        dead_letters = d.pop("dead_letters")

        secret = d.pop("secret")

        webhook_created = cls(
            id=id,
            url=url,
            types=types,
            state=state,
            disabled_because=disabled_because,
            created_at=created_at,
            last_success_at=last_success_at,
            last_failure_at=last_failure_at,
            last_failure=last_failure,
            failures=failures,
            backlog=backlog,
            dead_letters=dead_letters,
            secret=secret,
        )

        return webhook_created
