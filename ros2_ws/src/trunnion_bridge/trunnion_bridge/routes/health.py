"""For those who watch over the bridge."""

from __future__ import annotations

from fastapi import APIRouter, Response

from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.models import Health

router = APIRouter(tags=["health"])


@router.get("/healthz", responses={503: {"model": Health, "description": "The bridge has stopped working"}})
async def get_health(bridge: TheBridge, response: Response) -> Health:
    """200 while the bridge works, also when the robot is away: `ready` and `checks` tell."""
    health = bridge.health()
    response.status_code = 200 if health.live else 503
    return health


@router.get("/readyz", responses={503: {"model": Health, "description": "Orders would have to wait"}})
async def get_readiness(bridge: TheBridge, response: Response) -> Health:
    """200 while the robot is there, too."""
    health = bridge.health()
    response.status_code = 200 if health.ready else 503
    return health
