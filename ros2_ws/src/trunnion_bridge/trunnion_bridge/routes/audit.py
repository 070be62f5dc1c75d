"""Who changed what, when, and how it went."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query

from trunnion_bridge.access.audit import Wanted
from trunnion_bridge.access.models import AuditPage, Outcome
from trunnion_bridge.bridge import TheBridge

router = APIRouter(prefix="/v1/audit", tags=["access"])
Exactly = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("")
def list_audit_entries(
    bridge: TheBridge,
    who: Exactly = None,
    action: Exactly = None,
    subject: Exactly = None,
    outcome: Outcome | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[
        int | None, Query(ge=1, le=2**62, description="only entries with smaller numbers")
    ] = None,
) -> AuditPage:
    """Changes, and attempts at them, newest first."""
    wanted = Wanted(who, action, subject, outcome)
    entries = bridge.audit.page(limit + 1, before, wanted)
    page = entries[:limit]
    if len(entries) <= limit:
        return AuditPage(entries=page, next=None)
    chosen = {name: value for name, value in wanted._asdict().items() if value is not None}
    query = urlencode({"limit": limit, "before": page[-1].number, **chosen})
    return AuditPage(entries=page, next=f"/v1/audit?{query}")
