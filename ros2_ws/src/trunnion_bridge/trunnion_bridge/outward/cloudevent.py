"""The envelope of what is sent: CloudEvents 1.0, structured JSON."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone

from trunnion_bridge.outward.event_types import PING
from trunnion_bridge.outward.tables import DeliveryRow

MEDIA_TYPE = "application/cloudevents+json"
SOURCE = "urn:trunnion:bridge"


def message_id(order_id: str, event: int) -> str:
    """The id of an event, the same for every attempt and in every webhook; no other bridge gives it out."""
    return f"{order_id}.{event}"


def order_event(row: DeliveryRow) -> tuple[str, str]:
    """The id and the body of a delivery; `sequence` compares as text, and grows with the changes of an order."""
    event_id = message_id(row.order_id, row.event)
    more = {"subject": row.order_id, "sequence": f"{row.event:020d}"}
    return event_id, _envelope(event_id, row.type, row.at_ms, json.loads(row.content), more)


def ping(at_ms: int) -> tuple[str, str]:
    """The id and the body of a test message."""
    event_id = f"ping.{uuid.uuid4()}"
    return event_id, _envelope(event_id, PING, at_ms, {}, {})


def _envelope(event_id: str, kind: str, at_ms: int, data: object, more: dict[str, str]) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
    envelope = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "time": at.replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        **more,
        "data": data,
    }
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=True)
