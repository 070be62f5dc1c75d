from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_contract.proof import Gate, Proof, Rate, ScenarioResult, Sequential, wilson

counts = st.integers(1, 5000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    [
        # From R: prop.test(x, n, correct = FALSE)$conf.int
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (8, 10, 0.4901625, 0.9433178),
        (81, 263, 0.2552834, 0.3662192),  # Newcombe (1998), table I: 0.2553 to 0.3662
        (15, 148, 0.0624, 0.1605),  # the same table
        (0, 20, 0.0, 0.1611),  # the same table
        (1, 29, 0.0061, 0.1718),  # the same table
    ],
)
def test_the_interval_is_the_published_one(successes: int, trials: int, lower: float, upper: float) -> None:
    rate = wilson(successes, trials)
    assert rate.lower == pytest.approx(lower, abs=6e-5)
    assert rate.upper == pytest.approx(upper, abs=6e-5)


@given(counts)
def test_the_interval_holds_the_rate_and_stays_within_0_and_1(count: tuple[int, int]) -> None:
    rate = wilson(*count)
    assert 0 <= rate.lower <= rate.value <= rate.upper <= 1


@given(counts)
def test_the_bounds_solve_the_score_equation(count: tuple[int, int]) -> None:
    successes, trials = count
    rate = wilson(successes, trials)
    for bound in (rate.lower, rate.upper):
        if 0 < bound < 1:
            z = (rate.value - bound) / math.sqrt(bound * (1 - bound) / trials)
            assert abs(z) == pytest.approx(1.959964, rel=1e-4)


@given(counts)
def test_failures_mirror_successes(count: tuple[int, int]) -> None:
    successes, trials = count
    rate, mirrored = wilson(successes, trials), wilson(trials - successes, trials)
    assert rate.lower == pytest.approx(1 - mirrored.upper, abs=1e-12)


@given(counts)
def test_the_same_rate_from_more_trials_has_a_higher_lower_bound(count: tuple[int, int]) -> None:
    successes, trials = count
    if successes:
        assert wilson(4 * successes, 4 * trials).lower > wilson(successes, trials).lower


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 5), (6, 5), (0, 0)])
def test_counts_that_cannot_be_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="successes of"):
        wilson(successes, trials)


def _gate(passed: bool) -> Gate:
    return Gate(name="a", got="b", wanted="c", passed=passed)


def test_a_proof_passes_only_with_every_gate(proof: Proof) -> None:
    assert proof.model_copy(update={"gates": (_gate(True), _gate(True))}).passed
    assert not proof.model_copy(update={"gates": (_gate(True), _gate(False))}).passed


def test_a_proof_without_gates_is_no_proof(proof: Proof) -> None:
    with pytest.raises(ValueError, match="gates"):
        Proof.model_validate(proof.model_dump(by_alias=True) | {"gates": []})


def test_a_proof_survives_json(proof: Proof) -> None:
    text = proof.model_dump_json(by_alias=True)
    assert Proof.model_validate_json(text) == proof
    assert Proof.model_validate_json(text).model_dump_json(by_alias=True) == text


def test_a_rate_cannot_be_changed_afterwards() -> None:
    rate: Rate = wilson(1, 2)
    with pytest.raises(ValueError, match="frozen"):
        rate.lower = 1.0  # type: ignore[misc]


BEFORE = {
    "name": "nominal",
    "success": {"successes": 7, "trials": 7, "lower": 0.6457, "upper": 1.0},
    "success_lower_min": 0.6,
    "limit_violations": 0,
    "interventions": 3,
    "median_time_s": 4.2,
    "trajectory_sha256": "ab" * 32,
    "failures": [{"seed": 7, "reason": "time was up", "picture": None}],
}


def test_a_proof_from_before_paths_collisions_and_early_ends_still_opens(proof: Proof) -> None:
    old = {key: value for key, value in proof.model_dump(by_alias=True).items() if key != "comparison"}
    (scenario,) = Proof.model_validate_json(json.dumps(old | {"scenarios": [BEFORE]})).scenarios
    assert (scenario.median_path_m, scenario.collisions, scenario.stopped_early) == (None, None, False)


@pytest.mark.parametrize(("planned", "early"), [(20, True), (7, False)])
def test_fewer_episodes_than_planned_are_an_early_end(planned: int, early: bool) -> None:
    test = Sequential(planned=planned, rate_h1=0.94, alpha=0.05, beta=0.05)
    result = ScenarioResult.model_validate_json(json.dumps(BEFORE)).model_copy(update={"sequential": test})
    assert result.stopped_early is early
