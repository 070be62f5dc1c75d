"""The cell at one moment."""

from __future__ import annotations

from fastapi import APIRouter

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.models import State

router = APIRouter(tags=["state"])


@router.get("/v1/state")
def get_state(bridge: TheBridge) -> State:
    """Arm, camera, detections, nodes, the current order and the bundle."""
    return bridge.state()
