"""Orders and webhooks without a bridge around them."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.fernet import Fernet

from trunnion_bridge.database import Database
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.outward.destinations import LOOPBACK, Destinations
from trunnion_bridge.outward.models import Webhook, WebhookRequest
from trunnion_bridge.outward.outbox import Outbox
from trunnion_bridge.outward.signing import Vault
from trunnion_bridge.outward.subscriptions import Subscriptions
from trunnion_bridge.store import Store

REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 2}], "bin": "B"})


class Shop:
    """Orders and webhooks in one database, and a clock that is moved by hand."""

    def __init__(self, database: Database, clock: Callable[[], float] | None = None) -> None:
        self.now_s = 1_800_000_000.0
        self.clock = clock or (lambda: self.now_s)
        vault = Vault([Fernet.generate_key().decode()])
        self.store = Store(database, clock=self.clock)
        self.outbox = Outbox(database, self.clock)
        self.subscriptions = Subscriptions(database, lambda: vault, self.clock)
        self.destinations = Destinations(LOOPBACK)

    def subscribe(self, url: str = "https://erp.example/hook", **changes: object) -> Webhook:
        return self.subscriptions.create(WebhookRequest.model_validate({"url": url, **changes}))[0]

    def order(self, ended: bool = True) -> str:
        """An order with three events, or with one."""
        order, _ = self.store.create(REQUEST, None, 10_000)
        if ended:
            self.store.hand_over(order.id)
            self.store.finish(order.id, "succeeded", "done", 2)
        return order.id
