"""The robot as one thing: what it does, or what it lacks."""

from __future__ import annotations

from tests.bridge.running import until

from trunnion_bridge.robots import name_of


def robot(bridge):
    return bridge.http.get("/v1/robots").json()["robots"][0]


def test_a_robot_says_what_it_is_and_does(bridge, cell):
    assert bridge.http.get("/v1/robots/cell").status_code == 200
    idle = robot(bridge)
    assert (idle["name"], idle["doing"], idle["ready"]) == ("cell", "idle", True)
    assert idle["model"] == "sorting_cell 0.1.0"
    assert {node["name"] for node in idle["nodes"]} >= {"detector", "policy", "sorter"}

    cell.say("sorter slow")
    order_id = bridge.post({"gear": 1}).json()["id"]
    bridge.until_state(order_id, "running")
    at_work = robot(bridge)
    assert (at_work["doing"], at_work["order_id"]) == ("sorting", order_id)
    bridge.http.post(f"/v1/orders/{order_id}/cancel")
    bridge.until_state(order_id, "cancelled")


def test_a_robot_that_fell_silent_is_away_and_says_what_it_lacks(bridge, cell):
    cell.say("silence simulated_robot")
    away = until(lambda: (seen := robot(bridge))["doing"] == "away" and seen)
    assert away["ready"] is False
    assert "camera: not there" in away["message"]


def test_there_is_no_other_robot(bridge):
    answer = bridge.http.get("/v1/robots/other")
    assert (answer.status_code, answer.json()["wanted"]) == (404, "'cell'")


def test_names_come_from_namespaces():
    assert [name_of(given) for given in ("/cell", "/plant/cell_2", "/")] == ["cell", "plant.cell_2", "robot"]
