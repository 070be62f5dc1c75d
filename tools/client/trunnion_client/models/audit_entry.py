from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.audit_entry_outcome import AuditEntryOutcome
from ..models.audit_entry_role_type_0 import AuditEntryRoleType0

T = TypeVar("T", bound="AuditEntry")


@_attrs_define
class AuditEntry:
    """One change, or an attempt at one.

    Attributes:
        number (int):
        at (datetime.datetime):
        who (str): a user's name, or `key:` and a key's id; empty where it is not known
        via (str): how the caller got in: oidc, key, local, mqtt, or host for its command line
        role (AuditEntryRoleType0 | None):
        address (str): where the request came from
        action (str):
        subject (str): the id of what was changed
        outcome (AuditEntryOutcome):
        code (str): of the problem, where it was refused or failed
        detail (str):
        request_id (str): the X-Request-Id of the answer
    """

    number: int
    at: datetime.datetime
    who: str
    via: str
    role: AuditEntryRoleType0 | None
    address: str
    action: str
    subject: str
    outcome: AuditEntryOutcome
    code: str
    detail: str
    request_id: str

    def to_dict(self) -> dict[str, Any]:
        number = self.number

        at = self.at.isoformat()

        who = self.who

        via = self.via

        role: None | str
        if isinstance(self.role, AuditEntryRoleType0):
            role = self.role.value
        else:
            role = self.role

        address = self.address

        action = self.action

        subject = self.subject

        outcome = self.outcome.value

        code = self.code

        detail = self.detail

        request_id = self.request_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "number": number,
                "at": at,
                "who": who,
                "via": via,
                "role": role,
                "address": address,
                "action": action,
                "subject": subject,
                "outcome": outcome,
                "code": code,
                "detail": detail,
                "request_id": request_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        number = d.pop("number")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        who = d.pop("who")

        via = d.pop("via")

        def _parse_role(data: object) -> AuditEntryRoleType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                role_type_0 = AuditEntryRoleType0(data)

                return role_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AuditEntryRoleType0 | None, data)

        role = _parse_role(d.pop("role"))

        address = d.pop("address")

        action = d.pop("action")

        subject = d.pop("subject")

        outcome = AuditEntryOutcome(d.pop("outcome"))

        code = d.pop("code")

        detail = d.pop("detail")

        request_id = d.pop("request_id")

        audit_entry = cls(
            number=number,
            at=at,
            who=who,
            via=via,
            role=role,
            address=address,
            action=action,
            subject=subject,
            outcome=outcome,
            code=code,
            detail=detail,
            request_id=request_id,
        )

        return audit_entry
