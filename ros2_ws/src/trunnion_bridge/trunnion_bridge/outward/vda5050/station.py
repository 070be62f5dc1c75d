"""Joins VDA5050 to the cell: its orders go through the same queue and the same audit log as all others."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress

from trunnion_bridge.access.clerk import Clerk
from trunnion_bridge.access.deed import Deed, acting
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.catalogue import Catalogue
from trunnion_bridge.database import Database
from trunnion_bridge.desk import Desk
from trunnion_bridge.models import Order, OrderRequest
from trunnion_bridge.outward.vda5050.book import Book
from trunnion_bridge.outward.vda5050.condition import condition_of
from trunnion_bridge.outward.vda5050.factsheet import factsheet_of
from trunnion_bridge.outward.vda5050.fault import Rejected
from trunnion_bridge.outward.vda5050.link import Link
from trunnion_bridge.outward.vda5050.mqtt import Mqtt
from trunnion_bridge.outward.vda5050.vehicle import Vehicle
from trunnion_bridge.problem import Refused
from trunnion_bridge.seen import Seen

_REFUSED = 422


class Station:
    """Whoever may write to the robot's topics may order: the broker says who that is."""

    def __init__(
        self,
        mqtt: Mqtt,
        catalogue: Catalogue,
        database: Database,
        desk: Desk,
        clerk: Clerk,
        seen: Callable[[], Seen],
    ) -> None:
        self._mqtt = mqtt
        self._desk = desk
        self._clerk = clerk
        vehicle = Vehicle(mqtt.dialect, Book(database), self._post, self._cancel, desk.get)
        factsheet = factsheet_of(mqtt.dialect, catalogue)
        self.link = Link(mqtt, vehicle, lambda: condition_of(seen()), factsheet, self._on_rejected)

    async def _post(self, request: OrderRequest, key: str) -> Order:
        with acting(self._deed("order.create")):
            return (await self._desk.place(request, key))[0]

    async def _cancel(self, order_id: str) -> None:
        with acting(self._deed("order.cancel")), suppress(Refused):  # it ended meanwhile
            await self._desk.cancel(order_id)

    async def _on_rejected(self, rejected: Rejected) -> None:
        subject = rejected.references.get("orderId") or rejected.references.get("actionId", "")
        await self._clerk.refused(self._deed("vda5050"), subject, _REFUSED, rejected.fault)

    def _deed(self, action: str) -> Deed:
        name = f"{self._mqtt.manufacturer}/{self._mqtt.serial_number}"
        caller = Caller(name, Role.OPERATOR, math.inf, via="mqtt")
        return Deed(action, f"{self._mqtt.host}:{self._mqtt.port}", "", {"caller": caller})
