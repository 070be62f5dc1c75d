"""Orders: post, look, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.lifecycle import ENDED
from trunnion_bridge.models import Order, OrderDetail, OrderEvent, OrderPage, OrderRequest, OrderState
from trunnion_bridge.problem import Refused

router = APIRouter(prefix="/v1/orders", tags=["orders"])
Key = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]


@router.post(
    "",
    status_code=201,
    responses={200: {"model": Order, "description": "The key was used before, for this very order"}},
)
async def create_order(
    request: OrderRequest, bridge: TheBridge, response: Response, http: Request, idempotency_key: Key = None
) -> Order:
    """Put an order into the queue.

    With the header `Idempotency-Key` the same order posted again gives the first one back (200), and another order
    under that key is refused (409): a caller that heard no answer may safely ask again.
    """
    bridge.catalogue.check(request)
    order, is_new = await bridge.ledger.post(request, idempotency_key, bridge.settings.queued_max)
    response.headers["Location"] = http.app.url_path_for("get_order", order_id=order.id)
    response.status_code = 201 if is_new else 200
    return order


@router.get("")
def list_orders(
    bridge: TheBridge,
    state: OrderState | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[
        int | None, Query(ge=1, le=2**62, description="only orders with smaller numbers")
    ] = None,
) -> OrderPage:
    """Orders, newest first."""
    orders = bridge.store.page(limit + 1, before, state)
    page = orders[:limit]
    more = f"/v1/orders?limit={limit}&before={page[-1].number}" if len(orders) > limit else None
    return OrderPage(orders=page, next=more + (f"&state={state}" if state else "") if more else None)


@router.get("/{order_id}")
def get_order(order_id: str, bridge: TheBridge) -> OrderDetail:
    """One order, with its history."""
    return _found(order_id, bridge.store.get(order_id))


@router.get("/{order_id}/events")
def list_order_events(order_id: str, bridge: TheBridge) -> list[OrderEvent]:
    """What happened to an order, oldest first."""
    return _found(order_id, bridge.store.get(order_id)).events


@router.post("/{order_id}/cancel", status_code=202)
async def cancel_order(order_id: str, bridge: TheBridge) -> Order:
    """Cancel an order. One that waits ends at once; one that runs ends when the sorter has left off."""
    _found(order_id, await bridge.ledger.get(order_id))
    cancelled = await bridge.ledger.cancel(order_id)
    if cancelled is None:
        raise _already_ended(_found(order_id, await bridge.ledger.get(order_id)))
    return cancelled


def _found(order_id: str, order: OrderDetail | None) -> OrderDetail:
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
