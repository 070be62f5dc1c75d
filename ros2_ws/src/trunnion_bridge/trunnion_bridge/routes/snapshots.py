"""Snapshots: take, look, delete."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from trunnion_bridge.access.roles import Caller
from trunnion_bridge.bridge import TheBridge
from trunnion_bridge.problem import Refused, not_found
from trunnion_bridge.snapshots.album import ID
from trunnion_bridge.snapshots.models import Snapshot, SnapshotPage, SnapshotRequest

router = APIRouter(prefix="/v1/snapshots", tags=["snapshots"])
_PATTERN = f"^{ID.pattern}$"
SnapshotId = Annotated[str, Path(description="as the list gives it", examples=["1794038400123-5f0c2a9d"])]


@router.post("", status_code=201)
async def take_snapshot(
    bridge: TheBridge, http: Request, response: Response, request: SnapshotRequest | None = None
) -> Snapshot:
    """Keep the latest image with its detections. 409 when there is no more room: delete some."""
    caller: Caller = http.state.caller
    picture = await bridge.camera.picture()
    seen = bridge.view.seen()

    def facts(snapshot_id: str, now_s: float) -> Snapshot:
        return Snapshot(
            id=snapshot_id,
            taken_at=datetime.fromtimestamp(now_s, timezone.utc),
            stamp_ns=picture.stamp_ns,
            note=request.note if request else "",
            by=caller.name,
            order_id=seen.order.id if seen.order else None,
            model=bridge.catalogue.digest,
            size_bytes=len(picture.jpeg),
            detections=seen.detections,
        )

    snapshot = await asyncio.to_thread(bridge.album.keep, picture, facts)
    response.headers["Location"] = http.app.url_path_for("get_snapshot", snapshot_id=snapshot.id)
    return snapshot


@router.get("")
def list_snapshots(
    bridge: TheBridge,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[
        str | None, Query(pattern=_PATTERN, description="only those older than the one of this id")
    ] = None,
) -> SnapshotPage:
    """Snapshots, newest first."""
    found = bridge.album.page(limit + 1, before)
    page = found[:limit]
    more = f"/v1/snapshots?limit={limit}&before={page[-1].id}" if len(found) > limit else None
    return SnapshotPage(snapshots=page, next=more)


@router.get("/{snapshot_id}")
def get_snapshot(snapshot_id: SnapshotId, bridge: TheBridge) -> Snapshot:
    """What is known of one."""
    snapshot = bridge.album.get(snapshot_id)
    if snapshot is None:
        raise _not_found(snapshot_id)
    return snapshot


@router.get(
    "/{snapshot_id}/image",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_snapshot_image(snapshot_id: SnapshotId, bridge: TheBridge) -> Response:
    """Its picture, a JPEG."""
    jpeg = bridge.album.jpeg(snapshot_id)
    if jpeg is None:
        raise _not_found(snapshot_id)
    return Response(jpeg, media_type="image/jpeg")


@router.delete("/{snapshot_id}", status_code=204)
def delete_snapshot(snapshot_id: SnapshotId, bridge: TheBridge) -> None:
    """Delete one, for good."""
    if not bridge.album.delete(snapshot_id):
        raise _not_found(snapshot_id)


def _not_found(snapshot_id: str) -> Refused:
    return not_found("the snapshot's id", snapshot_id, "the id of a snapshot of this bridge", "/v1/snapshots")
