"""Where orders are given and cancelled, by whichever protocol they come: the same checks, the same ledger."""

from __future__ import annotations

from trunnion_bridge.catalogue import Catalogue
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.lifecycle import ENDED
from trunnion_bridge.models import Order, OrderDetail, OrderRequest
from trunnion_bridge.problem import Refused


class Desk:
    """Lives on the event loop."""

    def __init__(self, catalogue: Catalogue, ledger: Ledger, queued_max: int) -> None:
        self._catalogue = catalogue
        self._ledger = ledger
        self._queued_max = queued_max

    async def place(self, request: OrderRequest, key: str | None) -> tuple[Order, bool]:
        """Put an order into the queue; with a `key` used before for the same content, give that order.

        Returns:
            The order, and whether it is new.

        Raises:
            Refused: the cell cannot carry it out, or see Store.create.
        """
        self._catalogue.check(request)
        return await self._ledger.post(request, key, self._queued_max)

    async def get(self, order_id: str) -> OrderDetail:
        """The order with its history.

        Raises:
            Refused: `not-found`.
        """
        return found(order_id, await self._ledger.get(order_id))

    async def cancel(self, order_id: str) -> Order:
        """Cancel an order. One that waits ends at once; one that runs ends when the sorter has left off.

        Raises:
            Refused: `not-found` or `already-ended`.
        """
        await self.get(order_id)
        cancelled = await self._ledger.cancel(order_id)
        if cancelled is None:
            raise _already_ended(await self.get(order_id))
        return cancelled


def found(order_id: str, order: OrderDetail | None) -> OrderDetail:
    """The order; raises Refused, `not-found`, where there is none."""
    if order is None:
        raise Refused(
            "not-found",
            where="the order's id",
            got=ascii(order_id),
            wanted="the id of an order of this bridge",
            next_step="see /v1/orders for those that there are",
        )
    return order


def _already_ended(order: Order) -> Refused:
    return Refused(
        "already-ended",
        where=f"order {order.id}",
        got=f"an order that has {order.state}"
        if order.state != "cancelled"
        else "an order that was cancelled",
        wanted=f"one that is not yet {', '.join(sorted(ENDED))}",
        next_step="nothing: there is nothing left to cancel",
    )
