"""Joins VDA5050 to the cell: its orders go through the same queue and the same audit log as all others."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from trunnion_bridge.access.clerk import Clerk
from trunnion_bridge.access.deed import Deed, acting
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.database import Database
from trunnion_bridge.desk import Desk
from trunnion_bridge.models import Order, OrderRequest
from trunnion_bridge.outward.vda5050.book import Book
from trunnion_bridge.outward.vda5050.fault import Rejected, error
from trunnion_bridge.outward.vda5050.link import Link
from trunnion_bridge.outward.vda5050.mqtt import Mqtt
from trunnion_bridge.outward.vda5050.vehicle import Vehicle
from trunnion_bridge.problem import Refused
from trunnion_bridge.seen import Seen

_REFUSED = 422


class Station:
    """Whoever may write to the robot's topics may order: the broker says who that is."""

    def __init__(
        self, mqtt: Mqtt, database: Database, desk: Desk, clerk: Clerk, seen: Callable[[], Seen]
    ) -> None:
        self._mqtt = mqtt
        self._desk = desk
        self._clerk = clerk
        self._seen = seen
        vehicle = Vehicle(mqtt.dialect, Book(database), self._post, self._cancel, desk.get)
        self.link = Link(mqtt, vehicle, self._troubles, self._on_rejected)

    async def _post(self, request: OrderRequest, key: str) -> Order:
        with acting(self._deed("order.create")):
            return (await self._desk.place(request, key))[0]

    async def _cancel(self, order_id: str) -> None:
        with acting(self._deed("order.cancel")), suppress(Refused):  # it ended meanwhile
            await self._desk.cancel(order_id)

    def _troubles(self) -> list[dict[str, Any]]:
        """What is wrong with the cell; an order may be taken nevertheless, and waits."""
        seen = self._seen()
        ill = [node for node in seen.nodes if node.state not in ("ok", "warn")]
        troubles = [error("nodeNotWell", f"{node.name}: {node.message}", {"node": node.name}) for node in ill]
        return (
            troubles if seen.sorter_here else [error("sorterAway", "no sorter takes orders", {}), *troubles]
        )

    async def _on_rejected(self, rejected: Rejected) -> None:
        subject = rejected.references.get("orderId") or rejected.references.get("actionId", "")
        await self._clerk.refused(self._deed("vda5050"), subject, _REFUSED, rejected.fault)

    def _deed(self, action: str) -> Deed:
        name = f"{self._mqtt.manufacturer}/{self._mqtt.serial_number}"
        caller = Caller(name, Role.OPERATOR, math.inf, via="mqtt")
        return Deed(action, f"{self._mqtt.host}:{self._mqtt.port}", "", {"caller": caller})
