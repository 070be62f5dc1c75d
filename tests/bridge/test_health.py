"""What those hear who watch over the bridge."""

from __future__ import annotations

from trunnion_bridge.health import health_of
from trunnion_bridge.models import Replica
from trunnion_bridge.seen import NOTHING

REPLICA = Replica(name="cell-1", leads=True, leader=None, age_ms=0)


def checks(opcua):
    health = health_of(True, True, opcua, False, REPLICA, NOTHING)
    return health.live, {check.name: check.message for check in health.checks}.get("opcua")


def test_a_bridge_whose_opc_ua_has_stopped_is_to_be_started_again():
    assert checks(None) == (True, None)
    assert checks(True) == (True, "runs")
    assert checks(False) == (False, "not there")
