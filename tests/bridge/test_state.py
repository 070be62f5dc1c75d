"""State, health and metrics."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.bridge.conftest import NODES
from tests.bridge.running import ORDER_MAX, until

from trunnion_bridge.bridge import next_due_s


def test_the_state_shows_the_whole_cell(bridge, cell):
    until(lambda: bridge.state()["camera"]["rate_hz"] > 5)
    cell.say("sorter slow")
    order_id = bridge.post({"bolt": 1}).json()["id"]
    bridge.until_state(order_id, "running")

    state = until(lambda: (now := bridge.state())["arm"]["mode"] == "policy" and now)

    arm = state["arm"]
    assert arm["here"]
    assert arm["age_ms"] < 1000
    assert arm["gripper_opening_m"] == pytest.approx(0.06)
    assert set(arm["joints_rad"]) == {f"panda_joint{i}" for i in range(1, 8)}
    assert len(arm["position_base_m"]) == 3
    assert {item["label"] for item in state["detections"]["items"]} == {"gear", "bolt", "nut"}
    gear = next(item for item in state["detections"]["items"] if item["label"] == "gear")
    assert gear["box_px"] == [102, 68, 134, 100]
    assert {node["name"]: node["state"] for node in state["nodes"]} == dict.fromkeys(NODES, "ok")
    assert state["order"]["id"] == order_id
    assert state["sorter_here"]
    assert (state["bundle"]["bins"], state["bundle"]["order_parts_max"]) == (["A", "B"], ORDER_MAX)
    bridge.until_state(order_id, "succeeded")


def test_a_battery_is_shown_where_the_robot_tells_of_one(bridge, cell):
    cell.say("battery 41.5")

    told = until(lambda: bridge.state()["battery"])

    assert told == {"charge_percent": 41.5, "charging": True}


def test_health_tells_life_from_readiness(bridge, cell):
    cell.say("silence simulated_robot")

    until(lambda: ill(bridge).keys() == {"camera", "simulated_robot"})

    health = bridge.http.get("/healthz")
    assert health.status_code == 200
    assert (health.json()["live"], health.json()["ready"]) == (True, False)
    assert ill(bridge)["simulated_robot"].startswith("silent for")


def test_prometheus_can_read_the_metrics(bridge):
    bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")
    until(lambda: not bridge.state()["queued"] and not bridge.state()["order"])
    answer = bridge.http.get("/metrics")

    samples = [s for family in text_string_to_metric_families(answer.text) for s in family.samples]
    values = {(sample.name, *sample.labels.values()): sample.value for sample in samples}
    succeeded = bridge.http.get("/v1/orders", params={"state": "succeeded", "limit": 200}).json()["orders"]
    assert values["trunnion_orders", "succeeded"] == len(succeeded)
    assert values["trunnion_order_seconds_count", "succeeded"] == len(succeeded)
    assert values["trunnion_node_up", "detector"] == 1
    assert values["trunnion_camera_rate_hz",] > 3
    assert values["trunnion_camera_frames_total",] > 10
    assert values["trunnion_detection_age_seconds_count",] > 10
    assert values["trunnion_request_seconds_count", "POST", "/v1/orders", "201"] >= 1
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def ill(bridge):
    checks = bridge.http.get("/healthz").json()["checks"]
    return {check["name"]: check["message"] for check in checks if not check["ok"]}


def test_states_that_are_each_told_late_still_come_ten_times_a_second():
    due_s, told_s = 0.0, []
    for late_s in [0.02] * 50:
        now_s = due_s + late_s
        told_s.append(now_s)
        due_s = next_due_s(due_s, now_s)
    assert told_s[-1] - told_s[0] == pytest.approx(4.9)


def test_after_a_long_wait_states_do_not_come_in_a_heap():
    due_s = next_due_s(due_s=1.0, now_s=60.0)
    assert 60.05 <= due_s <= 60.1
    assert next_due_s(due_s, due_s) == pytest.approx(due_s + 0.1)
