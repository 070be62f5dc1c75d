"""Joins VDA5050 to the cell: its orders go through the same queue and the same audit log as all others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from trunnion_bridge.access.audit import AuditLog
from trunnion_bridge.access.bucket import Bucket
from trunnion_bridge.access.deed import Deed, acting
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.catalogue import Catalogue
from trunnion_bridge.database import Database
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.models import Order, OrderRequest
from trunnion_bridge.outward.vda5050.book import Book
from trunnion_bridge.outward.vda5050.desk import Desk
from trunnion_bridge.outward.vda5050.fault import Rejected, error
from trunnion_bridge.outward.vda5050.link import Link
from trunnion_bridge.outward.vda5050.mqtt import Mqtt
from trunnion_bridge.seen import Seen

_REFUSALS_PER_S, _REFUSALS_AT_ONCE = 1.0, 50.0


class Station:
    """Whoever may write to the robot's topics may order: the broker says who that is."""

    def __init__(
        self,
        mqtt: Mqtt,
        database: Database,
        ledger: Ledger,
        catalogue: Catalogue,
        queued_max: int,
        audit: AuditLog,
        seen: Callable[[], Seen],
    ) -> None:
        self._mqtt = mqtt
        self._ledger = ledger
        self._catalogue = catalogue
        self._queued_max = queued_max
        self._audit = audit
        self._seen = seen
        self._refusals = Bucket(_REFUSALS_PER_S, _REFUSALS_AT_ONCE)
        desk = Desk(mqtt.dialect, Book(database), self._post, self._cancel, ledger.get)
        self.link = Link(mqtt, desk, self._troubles, self._on_rejected)

    async def _post(self, request: OrderRequest, key: str) -> Order:
        self._catalogue.check(request)
        with acting(self._deed("order.create")):
            return (await self._ledger.post(request, key, self._queued_max))[0]

    async def _cancel(self, order_id: str) -> Order | None:
        with acting(self._deed("order.cancel")):
            return await self._ledger.cancel(order_id)

    def _troubles(self) -> list[dict[str, Any]]:
        """What is wrong with the cell; an order may be taken nevertheless, and waits."""
        seen = self._seen()
        ill = [node for node in seen.nodes if node.state not in ("ok", "warn")]
        troubles = [error("nodeNotWell", f"{node.name}: {node.message}", {"node": node.name}) for node in ill]
        return (
            troubles if seen.sorter_here else [error("sorterAway", "no sorter takes orders", {}), *troubles]
        )

    def _on_rejected(self, rejected: Rejected) -> None:
        """Into the audit log, unless there are many: who floods it must not fill the disk."""
        if self._refusals.take():
            subject = rejected.references.get("orderId") or rejected.references.get("actionId", "")
            self._audit.write(self._deed("vda5050"), "refused", rejected.fault, subject, str(rejected))

    def _deed(self, action: str) -> Deed:
        name = f"{self._mqtt.manufacturer}/{self._mqtt.serial_number}"
        caller = Caller(name, Role.OPERATOR, math.inf, via="mqtt")
        return Deed(action, f"{self._mqtt.host}:{self._mqtt.port}", "", {"caller": caller})
