from __future__ import annotations

import pytest
import yaml

from trunnion_contract.manifest import ModelManifest
from trunnion_contract.strict import parse
from trunnion_sim.episode import EpisodeResult
from trunnion_sim.scenarios import Scenario, SuiteFile
from trunnion_sim.stress import verdict
from trunnion_sim.stress_space import StressSpace
from trunnion_sim.worst_case import Trial, suite_text

SCENARIO = Scenario(name="s_003", episodes=2, first_seed=50, light=0.4, texture="checks", parts=(4, 6))
SPACE = parse(
    StressSpace,
    {
        "schema": 1,
        "name": "s",
        "version": "1.0.0",
        "trials": 9,
        "episodes": 2,
        "search": {"light": {"uniform": [0.2, 1]}},
    },
    "space.yaml",
)


def _episodes(*reasons: str) -> tuple[EpisodeResult, ...]:
    return tuple(
        EpisodeResult(
            success=not reason,
            reason=reason,
            time_s=1.0,
            limit_violations=0,
            interventions=0,
            trajectory_sha256="",
        )
        for reason in reasons
    )


def _trial(*reasons: str, severity: float = 0.5) -> Trial:
    return Trial(3, SCENARIO, _episodes(*reasons), severity)


def test_fewer_successes_are_worse_however_mild_and_of_equal_ones_the_milder_is() -> None:
    one_failed_mildly, one_failed, both_failed = (
        _trial("lost", "", severity=0.1),
        _trial("", "lost", severity=0.2),
        _trial("lost", "lost", severity=1.0),
    )
    assert both_failed.score < one_failed_mildly.score < one_failed.score < _trial("", "", severity=0).score


def test_only_what_is_not_nominal_is_written_down() -> None:
    assert _trial("", "lost").said == {"light": 0.4, "texture": "checks", "parts": [4, 6]}


def test_other_seeds_are_those_after_the_seeds_of_the_search() -> None:
    assert list(_trial("", "lost").fresh(3).seeds) == [52, 53, 54]


def test_the_suite_says_how_it_was_found_and_plays_all_its_seeds(model: ModelManifest) -> None:
    trial = Trial(3, SCENARIO, _episodes("", "lost\na nut"), 0.5, _episodes("", "", "late"))
    text = suite_text(trial, SPACE, model)
    (scenario,) = parse(SuiteFile, yaml.safe_load(text), "found.yaml").suite().scenarios
    assert scenario == SCENARIO.model_copy(update={"episodes": 5})
    assert "# Found by a search of 9 trials in s 1.0.0, seed 0." in text
    assert model.digest() in text
    assert "# With the 3 seeds after those: 2 of 3 (95 %: 0.21 to 0.94)." in text
    assert "#   51: lost a nut\n#   54: late\n" in text


@pytest.mark.parametrize("reasons", [("", ""), ("", "lost")])
def test_a_search_in_which_nothing_failed_says_so(reasons: tuple[str, ...]) -> None:
    assert _trial(*reasons).succeeds == ("lost" not in reasons)
    assert verdict(_trial("", ""), None) == "nothing failed in any trial"
