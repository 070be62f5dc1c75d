"""Orders: post, look, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.desk import found
from trunnion_bridge.models import (
    IdempotencyKey,
    Order,
    OrderDetail,
    OrderEvent,
    OrderPage,
    OrderRequest,
    OrderState,
)

router = APIRouter(prefix="/v1/orders", tags=["orders"])
Key = Annotated[IdempotencyKey | None, Header()]


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
    order, is_new = await bridge.desk.place(request, idempotency_key)
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
    return found(order_id, bridge.store.get(order_id))


@router.get("/{order_id}/events")
def list_order_events(order_id: str, bridge: TheBridge) -> list[OrderEvent]:
    """What happened to an order, oldest first."""
    return found(order_id, bridge.store.get(order_id)).events


@router.post("/{order_id}/cancel", status_code=202)
async def cancel_order(order_id: str, bridge: TheBridge) -> Order:
    """Cancel an order. One that waits ends at once; one that runs ends when the sorter has left off."""
    return await bridge.desk.cancel(order_id)
