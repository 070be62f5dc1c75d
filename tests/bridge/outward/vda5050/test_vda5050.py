"""A fleet control orders by VDA5050 from a real bridge with a real cell, over a real broker."""

from __future__ import annotations

import json
import signal

from tests.bridge.mosquitto import FleetControl, instant, order, running_mosquitto
from tests.bridge.running import until


def test_orders_by_mqtt_reach_the_robot_are_audited_and_a_dead_bridge_is_told(start_bridge, cell):
    with (
        running_mosquitto() as broker,
        start_bridge("--mqtt-url", f"mqtt://127.0.0.1:{broker.port}") as bridge,
    ):
        control = FleetControl(broker.port)
        bridge.until_ready()
        until(lambda: control.connection() == "ONLINE", what="ONLINE")
        feed = bridge.connect("/v1/events?topics=audit", max_size=None)
        assert json.loads(feed.recv(timeout=5))["type"] == "snapshot"
        control.send("order", order("mes-1", 0, ("nut", 1)))
        control.send("order", order("mes-1", 0, ("nut", 1)))
        told = json.loads(feed.recv(timeout=10))["data"]
        assert (told["action"], told["via"], told["outcome"]) == ("order.create", "mqtt", "done")
        feed.close()
        done = control.until(
            lambda state: [one["actionStatus"] for one in state["actionStates"]] == ["FINISHED"], "the end"
        )
        assert (done["orderId"], done["errors"]) == ("mes-1", [])
        orders = bridge.http.get("/v1/orders").json()["orders"]
        assert [one["state"] for one in orders] == ["succeeded"]
        entry = bridge.http.get("/v1/audit", params={"action": "order.create"}).json()["entries"][0]
        assert (entry["who"], entry["via"], entry["subject"]) == ("trunnion/cell", "mqtt", orders[0]["id"])

        cell.say("sorter slow")
        control.send("order", order("mes-2", 0, ("gear", 2)))
        control.until(
            lambda state: [one["actionStatus"] for one in state["actionStates"]] == ["RUNNING"],
            "a running order",
        )
        control.send("instantActions", instant("stop", "cancelOrder"))
        states = {"mes-2.0.0": "FAILED", "stop": "FINISHED"}
        control.until(
            lambda state: {one["actionId"]: one["actionStatus"] for one in state["actionStates"]} == states,
            "the cancellation",
        )
        assert bridge.http.get("/v1/orders").json()["orders"][0]["state"] == "cancelled"
        assert "trunnion_mqtt_connected 1.0" in bridge.http.get("/metrics").text

        control.send("instantActions", instant("sheet", "factsheetRequest"))
        sheet = until(lambda: control.heard["factsheet"], what="the factsheet")[0]
        assert (sheet["version"], sheet["serialNumber"]) == ("2.1.0", "cell")
        assert {"key": "bundle", "value": "sorting_cell 0.1.0"} in sheet["vehicleConfig"]["versions"]

        bridge.stop(signal.SIGKILL)
        until(lambda: control.connection() == "CONNECTIONBROKEN", what="the last will")
        control.close()
