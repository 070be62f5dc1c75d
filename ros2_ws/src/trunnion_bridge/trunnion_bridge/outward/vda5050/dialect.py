"""Where the versions of VDA5050 that are spoken differ: names of topics, of errors, and the form of the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Fault = Literal[
    "malformed", "order", "outdated", "same-id", "other-active", "after-cancel", "nothing-to-cancel", "instant-action"
]  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """One version.

    Attributes:
        topics: what comes before manufacturer and serial number in the name of a topic.
        version: what messages say.
        broken: the connection's state in the last will.
        errors: what each fault is called.
        result: where an action says how it went.
        has_instant_states: whether instant actions have a list of their own in the state.
        fixed: what the state says of a robot that stands, is plugged in, and leaves safety to others.
    """

    topics: str
    version: str
    broken: str
    errors: Mapping[Fault, str]
    result: str
    has_instant_states: bool
    fixed: Mapping[str, Any]


V2 = Dialect(
    topics="uagv/v2",
    version="2.1.0",
    broken="CONNECTIONBROKEN",
    errors={
        "malformed": "validationError",
        "order": "orderError",
        "outdated": "orderUpdateError",
        "same-id": "orderUpdateError",
        "other-active": "orderError",
        "after-cancel": "orderUpdateError",
        "nothing-to-cancel": "noOrderToCancel",
        "instant-action": "instantActionError",
    },
    result="resultDescription",
    has_instant_states=False,
    fixed={
        "batteryState": {"batteryCharge": 100.0, "charging": False},
        "safetyState": {"eStop": "NONE", "fieldViolation": False},
    },
)
V3 = Dialect(
    topics="vda5050/v3",
    version="3.0.0",
    broken="CONNECTION_BROKEN",
    errors={
        "malformed": "VALIDATION_FAILURE",
        "order": "INVALID_ORDER_ACTION",
        "outdated": "OUTDATED_ORDER_UPDATE",
        "same-id": "SAME_ORDER_UPDATE_ID",
        "other-active": "OTHER_ORDER_ACTIVE",
        "after-cancel": "ORDER_UPDATE_FOLLOWING_CANCEL",
        "nothing-to-cancel": "NO_ORDER_TO_CANCEL",
        "instant-action": "INVALID_INSTANT_ACTION",
    },
    result="actionResult",
    has_instant_states=True,
    fixed={
        "powerSupply": {"stateOfCharge": 100.0, "charging": False},
        "safetyState": {"activeEmergencyStop": "NONE", "fieldViolation": False},
    },
)
DIALECTS: Mapping[str, Dialect] = {"2": V2, "3": V3}
