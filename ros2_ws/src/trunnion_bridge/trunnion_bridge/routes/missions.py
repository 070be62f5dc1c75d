"""Missions: what came of orders."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.missions import Mission, MissionPage
from trunnion_bridge.models import Moment, OrderState
from trunnion_bridge.problem import not_found

router = APIRouter(prefix="/v1/missions", tags=["missions"])


@router.get("")
def list_missions(
    bridge: TheBridge,
    state: OrderState | None = None,
    ended_after: Annotated[
        Moment | None, Query(description="only missions that ended later; with its offset from UTC")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[
        int | None, Query(ge=1, le=2**62, description="only missions of orders with smaller numbers")
    ] = None,
) -> MissionPage:
    """What the robot was sent to do, newest first; orders that ended before they began are not among them."""
    found = bridge.missions.page(limit + 1, before, state, ended_after)
    page, more = found[:limit], None
    if len(found) > limit:
        more = {"limit": str(limit), "before": str(page[-1].number)}
        more |= {"state": state} if state else {}
        more |= {"ended_after": ended_after.isoformat()} if ended_after else {}
    return MissionPage(missions=page, next=f"/v1/missions?{urlencode(more)}" if more else None)


@router.get("/{order_id}")
def get_mission(order_id: str, bridge: TheBridge) -> Mission:
    """What came of one order; 404 for one that was not begun."""
    mission = bridge.missions.get(order_id)
    if mission is None:
        raise not_found("the order's id", order_id, "the id of an order that was begun", "/v1/missions")
    return mission
