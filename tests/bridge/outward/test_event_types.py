"""The type of an event is the state that the order came to."""

from __future__ import annotations

from trunnion_bridge.lifecycle import STATES
from trunnion_bridge.outward.event_types import EVENT_TYPES, type_of


def test_every_state_has_a_type_and_news_within_a_state_another() -> None:
    types = {type_of(state, None) for state in STATES}
    assert types == {f"trunnion.order.{state}" for state in STATES}
    assert {type_of(state, state) for state in STATES} == {"trunnion.order.progressed"}
    assert set(EVENT_TYPES) == {*types, "trunnion.order.progressed"}
