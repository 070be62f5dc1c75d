"""The environment of a proof: found by its id, in the use case's cell where it takes one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gymnasium
import pytest
from tests.sim.proof_setting import Setting

from trunnion_contract.errors import BadInput
from trunnion_contract.policy_training import PolicyTraining
from trunnion_sim import REACH_ID, SORTING_CELL_ID
from trunnion_sim.environment import open_environment, plays_in_a_cell
from trunnion_sim.layout import SORTING_CELL


def training(env_id: str, package: str | None = None) -> PolicyTraining:
    return PolicyTraining(env=env_id, env_package=package, demonstrations=1, epochs=1)


def test_an_environment_that_takes_a_cell_is_played_in_the_use_cases_own() -> None:
    slower = SORTING_CELL.limits.model_copy(update={"speed_max_mps": 0.123})
    cell = SORTING_CELL.model_copy(update={"limits": slower})
    with open_environment(training(SORTING_CELL_ID), cell) as env:
        assert isinstance(env.action_space, gymnasium.spaces.Box)
        assert env.action_space.high[0] == pytest.approx(0.123)
    assert plays_in_a_cell(training(SORTING_CELL_ID), cell)


@pytest.mark.parametrize("env_id", [REACH_ID, "Pendulum-v1"])
def test_an_environment_that_knows_of_no_cells_is_played_as_it_is(env_id: str) -> None:
    with open_environment(training(env_id), SORTING_CELL) as env:
        env.reset(seed=0)
    assert not plays_in_a_cell(training(env_id), SORTING_CELL)


@pytest.mark.parametrize(
    ("env_id", "package", "message"),
    [
        ("Nowhere-v0", None, r"Nowhere.*the package that calls gymnasium\.register"),
        ("nowhere/Nowhere-v0", None, r"nowhere.*the package that calls gymnasium\.register"),
        ("trunnion/Reach-v7", None, "Reach"),
        (REACH_ID, "no_such_package", "No module named 'no_such_package'"),
    ],
)
def test_an_environment_that_is_not_there_is_refused(env_id: str, package: str | None, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_environment(training(env_id, package), SORTING_CELL)


def test_a_task_without_limits_is_proven_for_a_use_case_with_a_cell(
    tmp_path: Path, networks: dict[str, bytes], reaching_policy: Callable[[float], bytes]
) -> None:
    setting = Setting(
        tmp_path / "run",
        {**networks, "policy.onnx": reaching_policy(1.0)},
        policy_env=("trunnion_sim", REACH_ID),
        policy_episodes=3,
        closed_loop=False,
    )
    proof = setting.prove(workers=1)
    assert proof.policy is not None
    assert (proof.policy.success.successes, proof.policy.limit_violations) == (3, None)
    gate = next(gate for gate in proof.gates if gate.name == "limit violations")
    assert (gate.got, gate.passed) == ("0", True)
    assert "policy alone: an environment without limits" in gate.note
