"""What the API takes and gives of keys and of the audit log. Times are UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from trunnion_bridge.models import Model, Moment

RoleName = Literal["viewer", "operator", "integrator", "admin"]
Outcome = Literal["done", "unchanged", "refused", "failed"]
Label = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class KeyRequest(Model):
    """A key that a machine is to get."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "ERP, plant 2", "role": "integrator", "expires_at": "2030-01-31T00:00:00Z"}]
        }
    )
    name: Label = Field(description="which machine it is for")
    role: RoleName
    areas: list[Label] | None = Field(
        None,
        min_length=1,
        max_length=32,
        description="only paths below these, such as `orders` for /v1/orders; all where left out",
    )
    expires_at: Moment = Field(description="at most 366 days from now; with its offset from UTC")


class SignIn(Model):
    """Where the page signs its reader in, with the authorization code flow; nulls where that is not needed."""

    issuer: str | None
    client_id: str | None
    scope: str | None
    resource: str | None


class SessionRequest(Model):
    """What an OpenID provider wants back when the session ends."""

    id_token: str | None = Field(
        None,
        max_length=3500,  # of a cookie browsers keep 4096 bytes, name and attributes included
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="kept where no script reads it, and given back when the session ends",
    )


class SessionEnd(Model):
    """A session that has ended here."""

    id_token: str | None = Field(
        description="`id_token_hint` for the provider's end of session, if it was left here"
    )


class Key(Model):
    """A key without its secret."""

    id: str
    number: int = Field(description="counts the keys of this bridge, first is 1")
    name: str
    role: RoleName
    areas: list[str] | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    last_used_at: datetime | None = Field(description="to a minute")
    revoked_at: datetime | None


class NewKey(Key):
    """A key with its secret, which is shown this once."""

    secret: str = Field(description="goes behind `Authorization: Bearer`; keep it where no one else reads")


class KeyPage(Model):
    """Keys, newest first."""

    keys: list[Key]
    next: str | None = Field(description="path of the next page; null on the last one")


class AuditEntry(Model):
    """One change, or an attempt at one."""

    number: int
    at: datetime
    who: str = Field(description="a user's name, or `key:` and a key's id; empty where it is not known")
    via: str = Field(
        description="how the caller got in: oidc, key, local, mqtt, or host for its command line"
    )
    role: RoleName | None
    address: str = Field(description="where the request came from")
    action: str = Field(examples=["order.create"])
    subject: str = Field(description="the id of what was changed")
    outcome: Outcome
    code: str = Field(description="of the problem, where it was refused or failed")
    detail: str
    request_id: str = Field(description="the X-Request-Id of the answer")


class AuditPage(Model):
    """Entries of the audit log, newest first."""

    entries: list[AuditEntry]
    next: str | None = Field(description="path of the next page; null on the last one")
