"""What the detector sees now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.models import Detections
from trunnion_bridge.problem import Refused

router = APIRouter(tags=["detections"])


@router.get("/v1/detections")
def get_detections(
    bridge: TheBridge,
    label: Annotated[
        list[str] | None, Query(max_length=64, description="only these; may be repeated")
    ] = None,
    confidence: Annotated[
        float, Query(ge=0, le=1, allow_inf_nan=False, description="only those at least as sure")
    ] = 0.0,
) -> Detections:
    """What the cell's detector saw in its latest image, with the image's stamp and frame. 503 while it sees nothing."""
    found = bridge.view.seen().detections
    if found is None:
        raise Refused(
            "no-detections",
            where="the detector",
            got="no word lately",
            wanted="detections",
            next_step="see /v1/state for the node that fell silent, and start it",
            headers={"Retry-After": "1"},
        )
    items = [item for item in found.items if item.score >= confidence and (not label or item.label in label)]
    return found.model_copy(update={"items": items})
