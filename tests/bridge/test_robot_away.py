"""What becomes of orders when the robot, or a part of it, is not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.bridge.running import running_cell, until


def test_an_order_waits_for_the_robot_and_fails_with_it(start_bridge, lonely_environment):
    with start_bridge(environment=lonely_environment) as bridge:
        first, second = bridge.post({"nut": 1}).json(), bridge.post({"gear": 2}).json()
        until(lambda: "waiting for the robot" in bridge.order(first["id"])["message"])
        assert bridge.order(first["id"])["state"] == "queued"
        assert bridge.http.get("/readyz").status_code == 503
        assert bridge.http.get("/healthz").status_code == 200

        assert bridge.http.post(f"/v1/orders/{first['id']}/cancel").json()["state"] == "cancelled"

        until(lambda: "waiting for the robot" in bridge.order(second["id"])["message"])
        with running_cell(lonely_environment) as doomed:
            doomed.say("sorter slow")
            bridge.until_state(second["id"], "running")
            until(lambda: health(bridge, "sorter") == "ok")
            doomed.kill()
            failed = bridge.until_state(second["id"], "failed", within_s=15)
        assert failed["message"].startswith("the sorter")
        assert "while the order ran; 0 of 2 parts were sorted" in failed["message"]
        assert bridge.http.get("/readyz").status_code == 503
        with running_cell(lonely_environment) as returned:
            bridge.until_ready()
            again = bridge.post({"nut": 1}).json()["id"]
            assert bridge.until_state(again, "succeeded", "failed")["state"] == "succeeded"
            assert returned.executed() == [again]


def test_an_order_fails_when_the_robot_does_not_come_or_does_not_take_it(start_bridge, lonely_environment):
    with start_bridge("--robot-wait-s", "1", environment=lonely_environment) as bridge:
        failed = bridge.until_state(bridge.post({"nut": 1}).json()["id"], "failed")
        assert "the robot was not there within 1 s: detector (not heard of yet)" in failed["message"]
        assert "sorter (not heard of yet)" in failed["message"]

        with running_cell(lonely_environment) as unwilling:
            unwilling.say("sorter refuse")
            bridge.until_ready()
            failed = bridge.until_state(bridge.post({"nut": 1}).json()["id"], "failed")
            assert failed["message"] == "the sorter did not take the order within 1 s"


def test_an_order_that_waits_fails_at_its_deadline(start_bridge, lonely_environment):
    with start_bridge(environment=lonely_environment) as bridge:
        lines = [{"part": "nut", "quantity": 1}]
        deadline = datetime.now(UTC) + timedelta(seconds=1.5)
        body = {"lines": lines, "bin": "B", "deadline": deadline.isoformat()}
        order = bridge.http.post("/v1/orders", json=body).json()
        assert order["state"] == "queued"

        failed = bridge.until_state(order["id"], "failed")

        assert failed["message"] == "its deadline passed while it waited"
        until(lambda: bridge.state()["order"] is None)
        late = bridge.http.post("/v1/orders", json=body)
        assert (late.status_code, late.json()["type"]) == (422, "urn:trunnion:problem:deadline-passed")
        naive = bridge.http.post("/v1/orders", json={**body, "deadline": "2100-01-01T00:00:00"})
        assert (naive.status_code, naive.json()["where"]) == (422, "body.deadline")


def test_a_node_that_falls_silent_is_named(bridge, cell):
    cell.say("silence policy")

    until(lambda: health(bridge, "policy") == "silent", within_s=6)

    assert health(bridge, "detector") == "ok"
    ready = bridge.http.get("/readyz")
    assert ready.status_code == 503
    assert [check["name"] for check in ready.json()["checks"] if not check["ok"]] == ["policy"]
    cell.say("wake policy")
    bridge.until_ready()


def test_an_order_waits_for_the_nodes_that_the_sorter_needs_and_is_not_given_to_fail(bridge, cell):
    cell.say("silence detector")
    until(lambda: health(bridge, "detector") == "silent", within_s=6)

    order_id = bridge.post({"nut": 1}).json()["id"]

    until(lambda: "waiting for the robot: detector (silent" in bridge.order(order_id)["message"])
    assert bridge.order(order_id)["state"] == "queued"
    cell.say("wake detector")
    assert bridge.until_state(order_id, "succeeded", "failed")["state"] == "succeeded"


def health(bridge, name):
    return next(node["state"] for node in bridge.state()["nodes"] if node["name"] == name)
