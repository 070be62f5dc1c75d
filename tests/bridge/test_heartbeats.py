"""Node health by heartbeats."""

from __future__ import annotations

from trunnion_bridge.heartbeats import Heartbeats


def states(heartbeats, now_s):
    return {node.name: node.state for node in heartbeats.health(now_s)}


def test_a_node_that_was_never_heard_of_is_awaited():
    heartbeats = Heartbeats(["detector"])

    assert states(heartbeats, 100.0) == {"detector": "awaited"}
    assert heartbeats.silence_s("detector", 100.0) is None


def test_a_node_is_silent_after_one_and_a_half_seconds_and_comes_back():
    heartbeats = Heartbeats([])
    heartbeats.hear("policy", "ok", "works", 10.0)

    assert states(heartbeats, 11.49) == {"policy": "ok"}
    assert states(heartbeats, 11.51) == {"policy": "silent"}
    assert heartbeats.health(14.0)[0].message == "silent for 4 s"
    heartbeats.hear("policy", "warn", "slow", 15.0)
    assert states(heartbeats, 15.1) == {"policy": "warn"}


def test_a_node_that_must_be_there_is_away_until_it_is_heard_to_be_active():
    heartbeats = Heartbeats(["detector"])
    away = lambda now_s: [node.name for node in heartbeats.away(now_s)]  # noqa: E731

    assert away(1.0) == ["detector"]
    heartbeats.hear("detector", "warn", "is inactive", 1.0, {"state": "inactive"})
    assert away(1.0) == ["detector"]
    heartbeats.hear("detector", "warn", "no pictures for 2 s", 2.0, {"state": "active"})
    assert away(2.0) == []
    heartbeats.hear("detector", "ok", "works", 3.0)
    assert away(3.0) == []
    assert away(5.0) == ["detector"]


def test_a_node_that_need_not_be_there_is_never_away():
    heartbeats = Heartbeats([])
    heartbeats.hear("extra", "ok", "works", 1.0)
    assert heartbeats.away(9.0) == []


def test_expected_nodes_come_first():
    heartbeats = Heartbeats(["detector", "sorter"])
    heartbeats.hear("extra", "ok", "", 1.0)
    heartbeats.hear("sorter", "error", "broken", 1.0)

    assert list(states(heartbeats, 1.0).items()) == [
        ("detector", "awaited"),
        ("sorter", "error"),
        ("extra", "ok"),
    ]
