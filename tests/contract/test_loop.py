"""Whether two plays of the same seeds differ by more than luck."""

from __future__ import annotations

import pytest

from trunnion_contract.loop import LoopProof, LoopScenario
from trunnion_contract.proof import wilson
from trunnion_sim.paired import mcnemar


def scenario(failed_in_ros: int, failed_in_process: int = 0) -> LoopScenario:
    return LoopScenario(
        name="nominal",
        in_process=wilson(40 - failed_in_process, 40),
        in_ros=wilson(40 - failed_in_ros, 40),
        failed_in_ros=tuple(range(failed_in_ros)),
        failed_in_process=tuple(range(30, 30 + failed_in_process)),
        p_value=mcnemar(failed_in_ros, failed_in_process)[0],
        median_time_s=(5.0, 5.2),
    )


@pytest.mark.parametrize(
    ("failed", "agrees"), [((0, 0), True), ((5, 0), True), ((6, 0), False), ((8, 6), True)]
)
def test_five_more_failures_may_be_luck_and_six_are_not(failed: tuple[int, int], agrees: bool) -> None:
    assert scenario(*failed).agrees == agrees


def test_one_scenario_that_differs_fails_all() -> None:
    def proof(*scenarios: LoopScenario) -> LoopProof:
        return LoopProof(
            schema=1, name="x", version="0.1.0", bundle_sha256="0", speed=2.0, scenarios=scenarios
        )

    assert proof(scenario(1)).passed
    assert not proof(scenario(0), scenario(9)).passed
