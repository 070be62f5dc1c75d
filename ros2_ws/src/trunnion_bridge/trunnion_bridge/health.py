"""Whether a bridge works, and whether an order would start."""

from __future__ import annotations

from trunnion_bridge.models import Check, Health, Replica
from trunnion_bridge.seen import Seen


def health_of(
    works: bool, database_well: bool, opcua: bool | None, draining: bool, replica: Replica, seen: Seen
) -> Health:
    """`works` says whether all other parts of this bridge run, `opcua` whether that does, None where it is not wanted;
    the rest is as the leader sees it."""
    live = works and opcua is not False
    heard = replica.age_ms is not None
    ill = [node for node in seen.nodes if node.state not in ("ok", "warn")]
    checks = [
        Check(name="bridge", ok=live, message="works" if live else "has partly stopped: restart it"),
        Check(name="database", ok=database_well, message=_says(database_well, "can be read")),
        *([Check(name="opcua", ok=opcua, message=_says(opcua, "runs"))] if opcua is not None else []),
        Check(name="leader", ok=heard and replica.leader is not None, message=_leader(replica)),
        Check(name="sorter", ok=seen.sorter_here, message=_says(seen.sorter_here, "takes orders")),
        Check(
            name="camera",
            ok=seen.camera.here,
            message=_says(seen.camera.here, f"{seen.camera.rate_hz:g} images a second"),
        ),
        *([Check(name="drain", ok=False, message="is about to stop, takes no further order")] * draining),
        *(Check(name=node.name, ok=False, message=node.message) for node in ill),
    ]
    return Health(live=live, ready=all(check.ok for check in checks), checks=checks)


def _leader(replica: Replica) -> str:
    if replica.leads:
        return "this bridge leads"
    if replica.leader is None:
        return "no bridge is known to lead"
    return f"{replica.leader.name} leads" + ("" if replica.age_ms is not None else ", but says nothing")


def _says(is_here: bool, words: str) -> str:
    return words if is_here else "not there"
