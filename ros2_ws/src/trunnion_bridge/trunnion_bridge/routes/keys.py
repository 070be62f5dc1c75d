"""Keys of machines: make, look, revoke. The secret is in the answer to the making, and nowhere else."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from trunnion_bridge.access.models import Key, KeyPage, KeyRequest, NewKey
from trunnion_bridge.access.roles import Caller
from trunnion_bridge.access.wanted import check_areas
from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.problem import Refused

router = APIRouter(prefix="/v1/keys", tags=["access"])


@router.post("", status_code=201)
async def create_key(request: KeyRequest, bridge: TheBridge, http: Request, response: Response) -> NewKey:
    """Make a key, of the caller's role at most. Its `secret` is shown this once."""
    caller: Caller = http.state.caller
    check_areas(request.areas, caller.areas)
    response.headers["Cache-Control"] = "no-store"
    return await asyncio.to_thread(bridge.keys.create, request, caller.name)


@router.get("")
def list_keys(
    bridge: TheBridge,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="only keys with smaller numbers")] = None,
) -> KeyPage:
    """Keys, newest first, also those that have expired or were revoked."""
    keys = bridge.keys.page(limit + 1, before)
    page = keys[:limit]
    more = f"/v1/keys?limit={limit}&before={page[-1].number}" if len(keys) > limit else None
    return KeyPage(keys=page, next=more)


@router.delete("/{key_id}")
async def revoke_key(key_id: str, bridge: TheBridge) -> Key:
    """Revoke a key. Its streams end within four seconds; on other bridges of the same database it opens nothing after
    two."""
    key = await asyncio.to_thread(bridge.keys.revoke, key_id)
    bridge.access.keys.forget(key_id)
    if key is None:
        raise Refused(
            "not-found",
            where="the key's id",
            got=ascii(key_id),
            wanted="the id of a key of this bridge",
            next_step="see /v1/keys for those that there are",
        )
    return key
