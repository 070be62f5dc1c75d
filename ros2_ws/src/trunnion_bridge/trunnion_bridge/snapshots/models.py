"""What the API takes and gives of snapshots."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from trunnion_bridge.models import Detections, Model


class SnapshotRequest(Model):
    """Why the image is kept."""

    note: str = Field("", max_length=200, examples=["a bolt lies across the gear"])


class Snapshot(Model):
    """An image that was kept, and the latest detections at that moment, with the stamp of the image they are of."""

    id: str = Field(description="grows with time", examples=["1794038400123-5f0c2a9d"])
    taken_at: datetime
    stamp_ns: int = Field(description="the camera's", examples=[1794038400098000000])
    note: str
    by: str = Field(description="who took it", examples=["ada"])
    order_id: str | None = Field(description="the order that ran")
    model: str = Field(description="digest of the bundle that the bridge was started on")
    size_bytes: int = Field(description="of the JPEG", examples=[48213])
    detections: Detections | None


class SnapshotPage(Model):
    """Snapshots, newest first."""

    snapshots: list[Snapshot]
    next: str | None = Field(description="path of the next page; null on the last one")
