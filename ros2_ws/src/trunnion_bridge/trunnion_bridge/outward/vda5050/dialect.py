"""Where the versions of VDA5050 that are spoken differ: names of topics, of errors, and the form of the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Fault = Literal[
    "malformed", "order", "outdated", "same-id", "other-active", "after-cancel", "nothing-to-cancel", "instant-action"
]  # fmt: skip
Stop = Literal["none", "until released", "while silent"]


@dataclass(frozen=True, eq=False)
class Dialect:
    """One version.

    Attributes:
        topics: what comes before manufacturer and serial number in the name of a topic.
        version: what messages say.
        broken: the connection's state in the last will.
        errors: what each fault is called.
        result: where an action says how it went.
        has_instant_states: whether instant actions have a list of their own in the state.
        power: what the battery is called, and its charge.
        stop: where the state says whether the robot was stopped.
        stops: what each kind of stop is called.
    """

    topics: str
    version: str
    broken: str
    errors: Mapping[Fault, str]
    result: str
    has_instant_states: bool
    power: tuple[str, str]
    stop: str
    stops: Mapping[Stop, str]


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
    power=("batteryState", "batteryCharge"),
    stop="eStop",
    stops={"none": "NONE", "until released": "MANUAL", "while silent": "AUTOACK"},
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
    power=("powerSupply", "stateOfCharge"),
    stop="activeEmergencyStop",
    stops={"none": "NONE", "until released": "MANUAL", "while silent": "REMOTE"},
)
DIALECTS: Mapping[str, Dialect] = {"2": V2, "3": V3}
