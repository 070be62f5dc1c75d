"""Topics of the stream of events: a listener hears what it chose, if its role may."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.access.topics import TOPICS, USUAL, check_topics, topics_of
from trunnion_bridge.problem import Refused


def test_every_topic_wants_a_role_and_the_usual_ones_are_open_to_all():
    viewer, admin = (Caller("ada", role, 0.0) for role in (Role.VIEWER, Role.ADMIN))

    check_topics(admin, frozenset(TOPICS))
    check_topics(viewer, USUAL)
    with pytest.raises(Refused) as refused:
        check_topics(viewer, topics_of("state,audit"))
    assert (refused.value.code, refused.value.where) == ("role-too-low", "the topic audit of /v1/events")


def test_a_key_for_the_events_alone_does_not_hear_the_audit_log():
    key = Caller("key:1", Role.ADMIN, 0.0, "key", frozenset({"events"}))

    check_topics(key, USUAL)
    with pytest.raises(Refused) as refused:
        check_topics(key, topics_of("audit"))
    assert refused.value.code == "other-area"


@pytest.mark.parametrize("chosen", ["", "orders", "state,", "state,order,all", "state order"])
def test_a_topic_that_there_is_not_is_refused(chosen):
    with pytest.raises(Refused, match="some of state, order, audit"):
        topics_of(chosen)


@pytest.fixture
def viewer(bridge):
    """The header of one who may look."""
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = bridge.http.post("/v1/keys", json={"name": "n", "role": "viewer", "expires_at": expires_at}).json()
    return {"Authorization": f"Bearer {made['secret']}"}


@pytest.mark.parametrize("query", ["topics=audit", "topics=state,audit", "topics=state&topics=audit"])
def test_the_audit_log_is_not_told_to_viewers(bridge, viewer, query):
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{bridge.port}/v1/events?{query}", additional_headers=viewer)
    assert refused.value.response.status_code == 403
    answer = httpx.get(f"{bridge.url}/v1/events?{query}", headers=viewer)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:trunnion:problem:role-too-low")


def test_a_strange_topic_is_named(bridge):
    answer = bridge.http.get("/v1/events?topics=everything")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:trunnion:problem:unknown-topic")


def test_admins_hear_changes_as_they_come_into_the_log_and_nothing_else(bridge):
    with bridge.connect("/v1/events?topics=audit", max_size=None) as told:
        assert json.loads(told.recv(timeout=5))["data"] == {"gap": False}
        order = bridge.post({"nut": 1}).json()
        bridge.post({"cog": 1})
        heard = [json.loads(told.recv(timeout=10)) for _ in range(2)]

    assert [event["type"] for event in heard] == ["audit", "audit"]
    assert (heard[0]["data"]["action"], heard[0]["data"]["subject"]) == ("order.create", order["id"])
    assert (heard[1]["data"]["outcome"], heard[1]["data"]["code"]) == ("refused", "unknown-part")


def test_who_wants_orders_only_hears_no_state_and_goes_on_where_it_left_off(bridge):
    done = bridge.until_state(bridge.post({"nut": 1}).json()["id"], "succeeded")
    ids = [event["id"] for event in done["events"]]
    with bridge.connect("/v1/events?topics=order", max_size=None) as told:
        assert set(json.loads(told.recv(timeout=5))["data"]) == {"gap", "orders"}
    with bridge.connect(f"/v1/events?topics=order&after={ids[0]}", max_size=None) as told:
        heard = [json.loads(told.recv(timeout=5)) for _ in range(ids[-1] - ids[0])]
        assert {event["type"] for event in heard} == {"order"}
        assert [event["id"] for event in heard] == list(range(ids[0] + 1, ids[-1] + 1))
    with bridge.connect(f"/v1/events?topics=state&after={ids[0]}", max_size=None) as told:
        assert set(json.loads(told.recv(timeout=5))["data"]) == {"gap", "state"}
        assert json.loads(told.recv(timeout=5))["type"] == "state"
