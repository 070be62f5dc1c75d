"""How a receiver takes webhooks: only what the bridge has signed, of this moment, and each message once.

Needs the package `standardwebhooks` and nothing of Trunnion. The inbox shares a SQLite database with what is booked, so
that a message is marked as seen in the transaction that books it: killed in between, it is neither.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

_TABLE = "CREATE TABLE IF NOT EXISTS seen (webhook_id TEXT PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP)"


class Refused(Exception):
    """A message that is not taken: altered, signed by somebody else, or older than five minutes."""


class Inbox:
    """Takes messages signed with `secret` (whsec_…)."""

    def __init__(self, secret: str, database: sqlite3.Connection) -> None:
        self._webhook = Webhook(secret)
        self._database = database
        database.execute(_TABLE)

    def take(self, headers: Mapping[str, str], body: bytes, book: Callable[[dict[str, Any]], None]) -> bool:
        """Book the event in `body`, unless it was booked before; whether it was booked now.

        The same message may come twice, because the bridge sends again what it got no answer to: the second time is
        answered like the first, and nothing is done. A message that somebody recorded and plays again later is refused
        for its age.

        Raises:
            Refused: the message is not to be trusted; answer 401 and do nothing.
        """
        try:
            event = self._webhook.verify(body, dict(headers))
        except (
            WebhookVerificationError,
            ValueError,
        ) as error:  # ValueError: a signature that is not even one
            raise Refused(str(error)) from None
        webhook_id = next(value for name, value in headers.items() if name.lower() == "webhook-id")
        with self._database:
            new = self._database.execute("INSERT OR IGNORE INTO seen (webhook_id) VALUES (?)", (webhook_id,))
            if not new.rowcount:
                return False
            book(event)
        return True
