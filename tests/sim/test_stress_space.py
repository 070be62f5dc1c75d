from __future__ import annotations

from typing import Any

import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_sim.stress_space import StressSpace

SEARCH = {
    "light": {"log_uniform": [0.25, 2.0]},
    "noise": {"uniform": [0, 20]},
    "clutter": {"uniform": [0, 4]},
    "texture": {"choice": ["nominal", "checks"]},
}


def _space(**said: Any) -> StressSpace:
    document = {"schema": 1, "name": "s", "version": "1.0.0", "trials": 3, "episodes": 2, "search": SEARCH}
    return parse(StressSpace, {**document, **said}, "space.yaml")


def test_every_key_becomes_what_optuna_searches() -> None:
    found = {name: str(distribution) for name, distribution in _space().distributions().items()}
    assert found == {
        "light": "FloatDistribution(high=2.0, log=True, low=0.25, step=None)",
        "noise": "FloatDistribution(high=20.0, log=False, low=0.0, step=None)",
        "clutter": "IntDistribution(high=4, log=False, low=0, step=1)",
        "texture": "CategoricalDistribution(choices=('nominal', 'checks'))",
    }


def test_a_trial_is_played_with_the_digits_that_are_written_down() -> None:
    scenario = _space().scenario(7, {"light": 0.123456789, "clutter": 3})
    assert (scenario.name, scenario.light, scenario.clutter, scenario.episodes) == ("s_007", 0.1235, 3, 2)


def test_severity_is_nothing_in_the_nominal_cell_and_one_at_the_far_ends() -> None:
    space = _space()
    assert space.severity(space.scenario(0, {})) == 0
    worst = {"light": 0.25, "noise": 20.0, "clutter": 4, "texture": "checks"}
    assert space.severity(space.scenario(0, worst)) == 1
    assert space.severity(space.scenario(0, {**worst, "noise": 10.0})) == pytest.approx(7 / 8)
    half_dark = space.severity(space.scenario(0, {"light": 0.5}))
    assert half_dark == pytest.approx(1 / 8), "half way in its logarithm, one key of four"


def test_where_no_bound_is_nominal_severity_begins_at_the_mildest() -> None:
    space = _space(search={"noise": {"log_uniform": [1, 16]}, "light": {"uniform": [0.2, 0.6]}})
    assert space.severity(space.scenario(0, {"noise": 1.0, "light": 0.6})) == 0
    assert space.severity(space.scenario(0, {"noise": 4.0, "light": 0.2})) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"search": {}}, "at least one key"),
        ({"search": {"lihgt": {"uniform": [1, 2]}}}, "did you mean 'light'"),
        ({"search": {"light": {"uniform": [2, 1]}}}, "in this order"),
        ({"trials": 0}, "greater than or equal to 1"),
        ({"episods": 2}, "did you mean 'episodes'"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(said: dict[str, Any], wanted: str) -> None:
    with pytest.raises(BadInput, match=r"space\.yaml") as error:
        _space(**said)
    assert wanted in str(error.value)
