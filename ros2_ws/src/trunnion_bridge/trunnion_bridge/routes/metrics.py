"""For Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.metrics import CONTENT_TYPE

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_metrics(bridge: TheBridge) -> Response:
    """Orders by state, camera rate, node health, and histograms of requests, orders and detections."""
    return Response(bridge.metrics.text(), media_type=CONTENT_TYPE)
