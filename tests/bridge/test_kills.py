"""A bridge on PostgreSQL that is killed again and again loses no order and gives none to the sorter twice."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter

KILLS, ORDERS = 3, 9


def test_no_order_is_lost_or_sorted_twice_however_often_the_bridge_is_killed(
    start_bridge, cell, postgres, ros_process_environment
):
    url = postgres.new_database().render_as_string(hide_password=False)
    environment = {**ros_process_environment, "TRUNNION_DATABASE": url}
    rng, ids = random.Random(7), {}
    for _ in range(KILLS):
        with start_bridge(environment=environment) as bridge:
            bridge.until_ready()
            for index in range(len(ids), len(ids) + ORDERS // KILLS):
                ids[index] = bridge.post({"nut": 1}, **{"Idempotency-Key": f"erp-{index}"}).json()["id"]
            time.sleep(rng.uniform(0.0, 0.8))
            bridge.stop(signal.SIGKILL)

    with start_bridge(environment=environment) as bridge:
        for index, order_id in ids.items():
            ended = bridge.until_state(order_id, "succeeded", "failed")
            # Killed between writing and sending: nobody can know that the sorter never got it, so it is not sent again.
            assert ended["state"] == "succeeded" or "no longer knows the order" in ended["message"]
            again = bridge.post({"nut": 1}, **{"Idempotency-Key": f"erp-{index}"})
            assert (again.status_code, again.json()["id"]) == (200, order_id)
        orders = [bridge.order(order_id) for order_id in ids.values()]
    for order in orders:
        ends = [event for event in order["events"] if event["state"] in ("succeeded", "failed")]
        assert len(ends) == 1
    counted = Counter(cell.executed())
    assert max(counted[order["id"]] for order in orders) == 1
    assert all(counted[order["id"]] == 1 for order in orders if order["state"] == "succeeded")
    assert sum(order["state"] == "succeeded" for order in orders) >= ORDERS - KILLS
