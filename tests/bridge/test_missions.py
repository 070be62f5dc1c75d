"""What came of orders that were begun."""

from __future__ import annotations

import json

import pytest

from trunnion_bridge.database import Database
from trunnion_bridge.missions import Missions
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.store import Store

REQUEST = OrderRequest.model_validate({"lines": [{"part": "gear", "quantity": 3}], "bin": "B"})


class Clock:
    """Seconds that pass when the test says so."""

    now_s = 1_800_000_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(database_url, clock):
    with Database(database_url) as database:
        yield Store(database, clock)


@pytest.fixture
def missions(store):
    return Missions(store._database, "cell")


def order(store, clock, *, ends="succeeded", sorted_parts=3):
    created, _ = store.create(REQUEST, None, 100)
    clock.now_s += 2
    if ends == "before it began":
        store.cancel(created.id)
        return created.id
    store.hand_over(created.id)
    store.start(created.id)
    clock.now_s += 10
    if ends:
        store.finish(created.id, ends, "the end", sorted_parts)
    return created.id


def test_a_mission_says_what_was_done_and_how_long_it_took(store, missions, clock):
    mission = missions.get(order(store, clock, ends="failed", sorted_parts=1))
    assert (mission.state, mission.requested, mission.sorted, mission.missing) == ("failed", 3, 1, 2)
    assert (mission.waited_s, mission.took_s, mission.robot) == (2.0, 10.0, "cell")


def test_an_order_that_was_not_begun_is_no_mission(store, missions, clock):
    assert missions.get(order(store, clock, ends="before it began")) is None
    assert missions.get("no such order\0") is None
    assert missions.page(10) == []


def test_one_that_runs_has_taken_no_time_yet(store, missions, clock):
    mission = missions.get(order(store, clock, ends=None))
    assert (mission.state, mission.took_s, mission.ended_at) == ("running", None, None)


def test_missions_are_found_by_state_and_end_newest_first(store, missions, clock):
    ids = [order(store, clock, ends=end) for end in ("succeeded", "failed", "succeeded")]
    first = missions.get(ids[0])
    assert [mission.order_id for mission in missions.page(10)] == ids[::-1]
    assert [mission.order_id for mission in missions.page(10, state="failed")] == [ids[1]]
    assert [mission.order_id for mission in missions.page(10, ended_after=first.ended_at)] == ids[:0:-1]
    assert [mission.order_id for mission in missions.page(1, before=first.number + 1)] == [ids[0]]


def test_pages_are_linked_with_their_filters(bridge):
    for _ in range(2):
        bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")
    query = {"state": "succeeded", "limit": 1, "ended_after": "2020-01-01T00:00:00+01:00"}
    page = bridge.http.get("/v1/missions", params=query).json()
    following = bridge.http.get(page["next"]).json()
    assert page["missions"][0]["number"] > following["missions"][0]["number"]
    assert "ended_after=2020-01-01T00%3A00%3A00%2B01%3A00" in page["next"]
    mission = bridge.http.get(f"/v1/missions/{page['missions'][0]['order_id']}").json()
    assert json.dumps(mission) == json.dumps(page["missions"][0])
    assert bridge.http.get("/v1/missions/none").status_code == 404
    for when in ("2020-01-01T00:00:00", "0.5", "1700000000", "2020-01-01", ""):
        assert bridge.http.get("/v1/missions", params={"ended_after": when}).status_code == 422
