"""What the nodes played, held against what was proven: by seed, and not by rate."""

from __future__ import annotations

from typing import Any

import pytest

from trunnion.loop import _compared
from trunnion_sim.scenarios import Scenario

NOMINAL = Scenario(name="nominal", episodes=8, first_seed=5)


def _played(outcomes: str, key: str, time_s: float) -> dict[str, Any]:
    """Results of the scenario's seeds under `key`: + succeeded, - failed."""
    return {
        key.format(seed=seed): {"success": outcome == "+", "time_s": time_s}
        for seed, outcome in zip(NOMINAL.seeds, outcomes, strict=True)
    }


def _compared_with(in_process: str, in_ros: str) -> Any:
    proven = _played(in_process, "episode nominal {seed}", 5.0)
    return _compared(NOMINAL, proven, _played(in_ros, "nominal {seed}", 5.5))


def test_seeds_that_parted_are_named_on_their_side() -> None:
    found = _compared_with("++++++--", "+-+++++-")
    assert (found.failed_in_ros, found.failed_in_process) == ((6,), (11,))
    assert (found.in_process.successes, found.in_ros.successes) == (6, 6)
    assert found.p_value == 1.0
    assert found.median_time_s == (5.0, 5.5)


@pytest.mark.parametrize(
    ("in_ros", "agrees"), [("++++++++", True), ("-----+++", True), ("------++", False), ("--------", False)]
)
def test_nodes_that_fail_where_the_proof_succeeded_are_told_from_luck(in_ros: str, agrees: bool) -> None:
    assert _compared_with("++++++++", in_ros).agrees is agrees


def test_where_nothing_succeeded_there_is_no_time() -> None:
    assert _compared_with("++++++++", "--------").median_time_s == (5.0, None)
