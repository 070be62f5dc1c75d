"""Webhooks: made, listed, disabled, deleted, and their secrets changed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from sqlalchemy import delete, func, select, update

from trunnion_bridge.access import audit
from trunnion_bridge.database import Database
from trunnion_bridge.outward.event_types import EventType
from trunnion_bridge.outward.models import Webhook, WebhookRequest, WebhookSecret
from trunnion_bridge.outward.signing import Vault, new_secret
from trunnion_bridge.outward.tables import DeliveryRow, WebhookRow
from trunnion_bridge.problem import Refused
from trunnion_bridge.tables import time_of

WEBHOOKS_MAX = 64
OVERLAP_MS = 24 * 3600 * 1000  # how long the secret before signs as well


class Receiver(NamedTuple):
    """Where a webhook's messages go, and what they are signed with."""

    id: str
    url: str
    secrets: tuple[str, ...]


class Subscriptions:
    """Thread-safe, in a database that is open; `clock` is Unix time in seconds."""

    def __init__(
        self, database: Database, vault: Callable[[], Vault], clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    def create(self, request: WebhookRequest) -> tuple[Webhook, WebhookSecret]:
        """A new webhook, which hears of what happens from now on.

        Raises:
            Refused: there are too many.
        """
        secret = new_secret()
        row = WebhookRow(
            id=str(uuid.uuid4()),
            url=request.url,
            types=" ".join(dict.fromkeys(request.types)),
            secret=self._vault().encrypt(secret),
            created_ms=self._now_ms(),
            failures=0,
        )
        with self._database.writing() as session:
            if (session.scalar(select(func.count()).select_from(WebhookRow)) or 0) >= WEBHOOKS_MAX:
                raise _too_many()
            session.add(row)
            session.flush()
            audit.enter(session, row.id, detail=f"{request.url} {row.types}")
            return webhook_of(row, 0, 0), WebhookSecret(id=row.id, secret=secret, before_until=None)

    def all(self) -> list[WebhookRow]:
        """All of them, oldest first."""
        with self._database.reading() as session:
            return list(session.scalars(select(WebhookRow).order_by(WebhookRow.created_ms, WebhookRow.id)))

    def get(self, webhook_id: str) -> WebhookRow:
        """One of them.

        Raises:
            Refused: there is none such.
        """
        with self._database.reading() as session:
            row = session.scalar(select(WebhookRow).where(WebhookRow.id == _searchable(webhook_id)))
        if row is None:
            raise _not_found(webhook_id)
        return row

    def delete(self, webhook_id: str) -> None:
        """Delete one, and all that waits for it.

        Raises:
            Refused: there is none such.
        """
        wanted = _searchable(webhook_id)
        with self._database.writing() as session:
            session.execute(delete(DeliveryRow).where(DeliveryRow.webhook_id == wanted))
            if not session.execute(delete(WebhookRow).where(WebhookRow.id == wanted)).rowcount:  # type: ignore[attr-defined]
                raise _not_found(webhook_id)
            audit.enter(session, webhook_id)

    def enable(self, webhook_id: str) -> WebhookRow:
        """Make one hear again of what happens from now on."""
        return self._change(webhook_id, disabled_because=None, failures=0)

    def rotate(self, webhook_id: str) -> WebhookSecret:
        """A new secret; the one before signs as well for a day, and the one before that no more."""
        secret, until_ms = new_secret(), self._now_ms() + OVERLAP_MS
        self._change(
            webhook_id,
            secret=self._vault().encrypt(secret),
            secret_before=WebhookRow.secret,
            secret_before_until_ms=until_ms,
        )
        return WebhookSecret(id=webhook_id, secret=secret, before_until=time_of(until_ms))

    def receiver(self, row: WebhookRow) -> Receiver:
        """Where messages go.

        Raises:
            SecretUnreadable: the vault has no key for its secret.
        """
        vault, secrets = self._vault(), [row.secret]
        if row.secret_before and (row.secret_before_until_ms or 0) > self._now_ms():
            secrets.append(row.secret_before)
        return Receiver(row.id, row.url, tuple(vault.decrypt(secret) for secret in secrets))

    def _change(self, webhook_id: str, **values: Any) -> WebhookRow:
        wanted = _searchable(webhook_id)
        with self._database.writing() as session:
            changed = update(WebhookRow).where(WebhookRow.id == wanted).values(**values)
            row: WebhookRow | None = session.scalar(changed.returning(WebhookRow))
            if row is None:
                raise _not_found(webhook_id)
            audit.enter(session, webhook_id)
            return row

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def webhook_of(row: WebhookRow, backlog: int, dead_letters: int) -> Webhook:
    """The webhook as the API shows it."""
    return Webhook(
        id=row.id,
        url=row.url,
        types=cast("list[EventType]", row.types.split()),
        state="disabled" if row.disabled_because else "active",
        disabled_because=row.disabled_because,
        created_at=time_of(row.created_ms),
        last_success_at=time_of(row.last_success_ms) if row.last_success_ms else None,
        last_failure_at=time_of(row.last_failure_ms) if row.last_failure_ms else None,
        last_failure=row.last_failure,
        failures=row.failures,
        backlog=backlog,
        dead_letters=dead_letters,
    )


def _searchable(webhook_id: str) -> str:
    return webhook_id.replace("\0", "\ufffd")  # PostgreSQL has no text with it


def _not_found(webhook_id: str) -> Refused:
    return Refused(
        "not-found",
        where="the webhook's id",
        got=ascii(webhook_id),
        wanted="the id of a webhook of this bridge",
        next_step="see /v1/webhooks for those that there are",
    )


def _too_many() -> Refused:
    return Refused(
        "too-many-webhooks",
        where="/v1/webhooks",
        got=f"{WEBHOOKS_MAX} webhooks",
        wanted="fewer",
        next_step="delete one that nobody needs",
    )
