"""A sorter that is quiet is told from a bridge that slept."""

from __future__ import annotations

from trunnion_bridge.vigil import Vigil


def watched(until_s: float, **what: bool) -> Vigil:
    vigil = Vigil(0.0, quiet_max_s=2.0)
    for quarter in range(int(until_s * 4) + 1):
        vigil.look(quarter / 4, what.get("is_here", True), what.get("has_news", False))
    return vigil


def test_a_sorter_that_is_gone_or_quiet_is_so_for_as_long_as_nothing_came():
    assert watched(7.0, is_here=False).away_s() == 7.0
    assert watched(7.0).away_s() == 0.0
    assert watched(7.0).quiet_s() == 7.0
    assert watched(7.0, has_news=True).quiet_s() == 0.0
    assert watched(7.0).silent_s(6.0) == 6.0
    assert watched(7.0, has_news=True).silent_s(6.0) == 0.0


def test_what_was_not_heard_while_this_process_slept_is_not_held_against_the_sorter():
    vigil = watched(1.0, is_here=False)

    vigil.look(61.0, False, False)

    assert (vigil.away_s(), vigil.quiet_s(), vigil.silent_s(60.5)) == (0.0, 0.0, 0.0)


def test_a_quiet_sorter_is_asked_less_and_less_often_and_a_talking_one_never():
    vigil, asked = Vigil(0.0, quiet_max_s=2.0), []
    for quarter in range(120):
        vigil.look(quarter / 4, True, False)
        if vigil.wants_to_ask():
            asked.append(quarter / 4)

    assert asked == [2.0, 6.0, 14.0]
    assert not watched(30.0, has_news=True).wants_to_ask()
