"""What the cell can do, in the words of each version: published when fleet control asks for it.

The standard describes vehicles. Of a cell that stands, what it has no word for is the nearest that its schema takes:
version 2.1 knows only three kinds of drive and four classes of vehicle; speeds of 0 say that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trunnion_bridge.catalogue import Catalogue
from trunnion_bridge.outward.vda5050.dialect import V2, V3, Dialect
from trunnion_bridge.outward.vda5050.limits import (
    LIST_MAX,
    PAYLOAD_MAX,
    STATE_EVERY_S,
    STATE_PAUSE_S,
    TEXT_MAX,
)
from trunnion_bridge.outward.vda5050.messages import CANCEL, CLEAR, FACTSHEET, SORT, STATE_REQUEST

_SERIES = "Trunnion cell"
_WORDS = "A robot arm that stands, and sorts parts from a tray into bins"
_LISTS = (
    "order.nodes",
    "order.edges",
    "node.actions",
    "edge.actions",
    "actions.actionsParameters",
    "instantActions",
)
_ARRAYS = dict.fromkeys(_LISTS, LIST_MAX)
_INSTANT = {
    CANCEL: "ends the order; the robot leaves off at once",
    STATE_REQUEST: "sends the state",
    FACTSHEET: "sends this",
    CLEAR: "forgets instant actions that have ended",
}
Sheet = dict[str, Any]


def factsheet_of(dialect: Dialect, catalogue: Catalogue) -> Sheet:
    """The factsheet without its header."""
    return _SHEETS[dialect](catalogue)


def _v2(catalogue: Catalogue) -> Sheet:
    length_m, width_m, height_m = _size_m(catalogue)
    return {
        "typeSpecification": {
            "seriesName": _SERIES,
            "seriesDescription": _WORDS,
            "agvKinematic": "OMNI",
            "agvClass": "CARRIER",
            "maxLoadMass": 0,
            "localizationTypes": [],
            "navigationTypes": [],
        },
        "physicalParameters": {
            **dict.fromkeys(("speedMin", "speedMax", "accelerationMax", "decelerationMax"), 0),
            "heightMin": height_m,
            "heightMax": height_m,
            "width": width_m,
            "length": length_m,
        },
        "protocolLimits": {
            "maxStringLens": {
                "msgLen": PAYLOAD_MAX,
                "idLen": TEXT_MAX,
                "idNumericalOnly": False,
                "enumLen": TEXT_MAX,
            },
            "maxArrayLens": _ARRAYS,
            "timing": {
                "minOrderInterval": 0,
                "minStateInterval": STATE_PAUSE_S,
                "defaultStateInterval": STATE_EVERY_S,
            },
        },
        "protocolFeatures": {
            "optionalParameters": [],
            # Without blocking types, of which each may be said: the schema of 2.1 takes no list of them.
            "agvActions": [_sort(catalogue), *map(_instant, _INSTANT)],
        },
        "agvGeometry": {},
        "loadSpecification": {},
        "vehicleConfig": {"versions": _versions(catalogue)},
    }


def _v3(catalogue: Catalogue) -> Sheet:
    length_m, width_m, height_m = _size_m(catalogue)
    blocking = ["NONE", "SOFT", "SINGLE", "HARD"]
    return {
        "typeSpecification": {
            "seriesName": _SERIES,
            "seriesDescription": _WORDS,
            # The text of 3.0 has it with an s, what its schema wants is without.
            **dict.fromkeys(("mobileRobotKinematics", "mobileRobotKinematic"), "STATIONARY"),
            "mobileRobotClass": "STATIONARY",
            "maximumLoadMass": 0,
            "localizationTypes": [],
            "navigationTypes": [],
            "supportedZones": [],
        },
        "physicalParameters": {
            **dict.fromkeys(
                ("minimumSpeed", "maximumSpeed", "maximumAcceleration", "maximumDeceleration"), 0
            ),
            "minimumHeight": height_m,
            "maximumHeight": height_m,
            "width": width_m,
            "length": length_m,
        },
        "protocolLimits": {
            "maximumStringLengths": {
                "maximumMessageLength": PAYLOAD_MAX,
                "maximumIdLength": TEXT_MAX,
                "idNumericalOnly": False,
            },
            "maximumArrayLengths": _ARRAYS,
            "timing": {
                "minimumOrderInterval": 0,
                "minimumStateInterval": STATE_PAUSE_S,
                "defaultStateInterval": STATE_EVERY_S,
            },
        },
        "protocolFeatures": {
            "optionalParameters": [],
            # Booleans, as the text of 3.0 and the schema of 3.0.1 have it; the schema of 3.0.0 has texts.
            "mobileRobotActions": [
                {**_sort(catalogue), "blockingTypes": blocking, "pauseAllowed": False, "cancelAllowed": True},
                *(
                    {
                        **_instant(name),
                        "blockingTypes": blocking,
                        "pauseAllowed": False,
                        "cancelAllowed": False,
                    }
                    for name in _INSTANT
                ),
            ],
        },
        "mobileRobotGeometry": {},
        "loadSpecification": {},
        "mobileRobotConfiguration": {"versions": _versions(catalogue)},
    }


_SHEETS: Mapping[Dialect, Callable[[Catalogue], Sheet]] = {V2: _v2, V3: _v3}


def _size_m(catalogue: Catalogue) -> tuple[float, float, float]:
    """Length, width and height of the space in which the arm moves, from the floor of its base."""
    limits = catalogue.layout.limits
    sides = zip(limits.workspace_low_base_m, limits.workspace_high_base_m, strict=True)
    length_m, width_m, _ = (round(high - low, 3) for low, high in sides)
    return length_m, width_m, round(limits.workspace_high_base_m[2], 3)


def _sort(catalogue: Catalogue) -> Sheet:
    said = {
        "part": ("STRING", f"one of {', '.join(catalogue.parts)}"),
        "quantity": ("INTEGER", f"at least 1; at most {catalogue.order_parts_max} parts in one order"),
        "bin": ("STRING", f"one of {', '.join(catalogue.bins)}; the same in the whole order"),
    }
    return {
        "actionType": SORT,
        "actionDescription": "brings parts from the tray into a bin",
        "actionScopes": ["NODE", "EDGE"],
        "actionParameters": [
            {"key": key, "valueDataType": kind, "description": words, "isOptional": False}
            for key, (kind, words) in said.items()
        ],
    }


def _instant(name: str) -> Sheet:
    return {"actionType": name, "actionDescription": _INSTANT[name], "actionScopes": ["INSTANT"]}


def _versions(catalogue: Catalogue) -> list[dict[str, str]]:
    said = {"bundle": f"{catalogue.name} {catalogue.version}", "bundleDigest": catalogue.digest}
    return [{"key": key, "value": value} for key, value in said.items()]
