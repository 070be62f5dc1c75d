"""How the cell itself is, as far as the robot says so: what is wrong, whether it was stopped, and its battery."""

from __future__ import annotations

from typing import Any, NamedTuple

from trunnion_bridge.models import Battery
from trunnion_bridge.outward.vda5050.dialect import Dialect, Stop
from trunnion_bridge.outward.vda5050.fault import error
from trunnion_bridge.seen import Seen
from trunnion_inference.emergency_stop import SILENT, STOPPED

# What the state says of a cell that is plugged in; it has no protective field that the bridge knows of.
PLUGGED_IN = Battery(charge_percent=100.0, charging=False)


class Condition(NamedTuple):
    """`troubles` are errors of the state; an order may be taken nevertheless, and waits."""

    troubles: tuple[dict[str, Any], ...] = ()
    stop: Stop = "none"
    battery: Battery = PLUGGED_IN

    def as_said(self, dialect: Dialect) -> dict[str, Any]:
        """Power and safety in the state."""
        power, charge = dialect.power
        return {
            power: {charge: self.battery.charge_percent, "charging": self.battery.charging},
            "safetyState": {dialect.stop: dialect.stops[self.stop], "fieldViolation": False},
        }


def condition_of(seen: Seen) -> Condition:
    """The condition of a cell that was seen so."""
    ill = [node for node in seen.nodes if node.state not in ("ok", "warn")]
    troubles = (
        *([] if seen.sorter_here else [error("sorterAway", "no sorter takes orders", {})]),
        *(error("nodeNotWell", f"{node.name}: {node.message}", {"node": node.name}) for node in ill),
    )
    return Condition(troubles, _stop(seen.arm.hold_reason), seen.battery or PLUGGED_IN)


def _stop(hold_reason: str) -> Stop:
    if hold_reason == STOPPED:
        return "until released"
    return "while silent" if hold_reason.startswith(SILENT) else "none"
