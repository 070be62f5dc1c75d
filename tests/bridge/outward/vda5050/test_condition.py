"""Power and safety in the state: what the robot says where it says it, else what a cell that is plugged in would."""

from __future__ import annotations

import pytest

from trunnion_bridge.models import Battery, NodeHealth
from trunnion_bridge.outward.vda5050.condition import condition_of
from trunnion_bridge.outward.vda5050.dialect import V2, V3
from trunnion_bridge.seen import NOTHING
from trunnion_inference.emergency_stop import EmergencyStop


def said(dialect, hold_reason="", battery=None):
    arm = NOTHING.arm.model_copy(update={"hold_reason": hold_reason})
    return condition_of(NOTHING.model_copy(update={"arm": arm, "battery": battery})).as_said(dialect)


def test_a_cell_that_says_nothing_of_either_is_plugged_in_and_not_stopped():
    assert said(V2) == {
        "batteryState": {"batteryCharge": 100.0, "charging": False},
        "safetyState": {"eStop": "NONE", "fieldViolation": False},
    }
    assert said(V3) == {
        "powerSupply": {"stateOfCharge": 100.0, "charging": False},
        "safetyState": {"activeEmergencyStop": "NONE", "fieldViolation": False},
    }


def test_a_battery_that_the_robot_tells_of_is_told():
    battery = Battery(charge_percent=41.5, charging=True)
    assert said(V2, battery=battery)["batteryState"] == {"batteryCharge": 41.5, "charging": True}
    assert said(V3, battery=battery)["powerSupply"] == {"stateOfCharge": 41.5, "charging": True}


@pytest.mark.parametrize(
    ("dialect", "where", "silent"), [(V2, "eStop", "AUTOACK"), (V3, "activeEmergencyStop", "REMOTE")]
)
def test_a_stop_is_told_by_how_it_ends(dialect, where, silent):
    stop = EmergencyStop(silence_max_s=1.0)
    reasons = [stop.reason(0.0)]
    stop.hear(False, 1.0)
    reasons += [stop.reason(5.0), stop.reason(1.5)]
    stop.hear(True, 2.0)
    reasons += [stop.reason(2.0), "policy/goal is silent"]

    told = [said(dialect, reason)["safetyState"][where] for reason in reasons]
    assert told == [silent, silent, "NONE", "MANUAL", "NONE"]


def test_silent_nodes_and_a_sorter_that_is_away_are_errors_that_hinder_no_order():
    silent = NodeHealth(name="detector", state="silent", message="fell silent", age_ms=5000)
    troubles = condition_of(NOTHING.model_copy(update={"nodes": [silent]})).troubles
    assert [(one["errorType"], one["errorLevel"]) for one in troubles] == [
        ("sorterAway", "WARNING"),
        ("nodeNotWell", "WARNING"),
    ]
