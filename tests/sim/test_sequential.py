from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_contract.proof import wilson
from trunnion_sim.sequential import ALPHA, BETA, simulate, stopping_rule

GATES = [(0.8, 200), (0.6, 20), (0.8, 40), (0.9, 300)]
VERDICTS = 2000
# Three standard deviations of a share of 0.05 among so many verdicts.
CHANCE = 3 * (0.05 * 0.95 / VERDICTS) ** 0.5


@pytest.mark.parametrize(("least", "planned"), GATES)
def test_the_exact_error_rates_are_at_most_nominal(least: float, planned: int) -> None:
    rule = stopping_rule(least, planned)
    assert rule.rate_h1 is not None
    assert 0.5 * ALPHA < rule.passes(least) <= ALPHA
    assert 0.5 * BETA < 1 - rule.passes(rule.rate_h1) <= BETA


@pytest.mark.parametrize(("least", "planned"), GATES)
def test_simulated_verdicts_agree_with_the_exact_rates(least: float, planned: int) -> None:
    rule = stopping_rule(least, planned)
    assert rule.rate_h1 is not None
    for rate in (least, rule.rate_h1):
        found = simulate(rule, rate, VERDICTS, seed=1)
        assert found.passed == pytest.approx(rule.passes(rate), abs=CHANCE)
        assert found.episodes == pytest.approx(rule.mean_episodes(rate), rel=0.1)


@pytest.mark.parametrize(("least", "planned"), GATES)
def test_clear_cases_need_at_most_half_of_the_episodes(least: float, planned: int) -> None:
    rule = stopping_rule(least, planned)
    for rate in (least - 0.2, 1.0):
        assert rule.mean_episodes(rate) <= planned / 2


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.sampled_from([0.3, 0.5, 0.6, 0.8, 0.95]))
def test_the_lower_bound_where_it_stops_is_the_verdict(successes: list[bool], least: float) -> None:
    """So that the number that the proof shows never contradicts its gate, and all planned episodes are the longest."""
    rule = stopping_rule(least, len(successes))
    end = rule.end(successes)
    assert end is not None
    passed = wilson(sum(successes[:end]), end).lower >= least
    assert passed == (sum(successes[:end]) >= rule.passes_from[end])
    assert passed != (sum(successes[:end]) <= rule.fails_to[end])


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.sampled_from([0.0, 0.3, 0.6, 0.95, 1.0]))
def test_what_was_decided_stays_decided(successes: list[bool], least: float) -> None:
    rule = stopping_rule(least, 60)
    ends = [rule.end(successes[:played]) for played in range(1, len(successes) + 1)]
    first = next((end for end in ends if end is not None), None)
    assert all(end == first for end in ends[(first or len(ends)) - 1 :])


@pytest.mark.parametrize("least", [0.0, 1.0])
def test_a_gate_that_always_or_never_passes_ends_at_once(least: float) -> None:
    rule = stopping_rule(least, 50)
    assert rule.rate_h1 is None
    assert rule.end([True]) == rule.end([False]) == 1


def test_curtailment_alone_gives_the_verdict_of_all_episodes() -> None:
    rng = np.random.default_rng(3)
    rule = stopping_rule(0.9, 3)  # even three of three prove too little
    assert rule.rate_h1 is None
    for _ in range(20):
        successes = (rng.random(3) < 0.9).tolist()
        end = rule.end(successes)
        assert end is not None
        assert (wilson(sum(successes[:end]), end).lower >= 0.9) == (wilson(sum(successes), 3).lower >= 0.9)
