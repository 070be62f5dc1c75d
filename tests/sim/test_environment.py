"""The environment of a proof: found by its id, in the use case's cell where it takes one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from tests.sim.proof_setting import Setting

from trunnion_contract.bundle import MODEL
from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.strict import read_json
from trunnion_sim import REACH_ID, SORTING_CELL_ID
from trunnion_sim.environment import open_environment, plays_in_a_cell
from trunnion_sim.examiner import Examiner, Subject
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


def test_an_environment_is_made_with_the_use_cases_options() -> None:
    dense = training(REACH_ID).model_copy(
        update={"env_options": {"reward_type": "dense", "image_size_px": 16}}
    )
    with open_environment(dense, None) as env:
        env.reset(seed=0)
        reward = env.step(np.zeros(3, np.float32))[1]
        assert reward not in (0.0, -1.0)


def test_an_exported_policy_is_played_with_the_options_that_it_was_exported_with(
    tmp_path: Path, networks: dict[str, bytes], reaching_policy: Callable[[float], bytes]
) -> None:
    """A champion that sees numbers is held against a candidate that sees pictures."""
    onnx = {**networks, "policy.onnx": reaching_policy(1.0)}
    setting = Setting(tmp_path, onnx, policy_env=("trunnion_sim", REACH_ID), closed_loop=False)
    model = read_json(ModelManifest, setting.export_dir / MODEL)
    assert model.policy is not None
    options = {"observation_type": "pixels", "image_size_px": 16}
    policy = model.policy.model_copy(update={"env_options": options})
    seeing = model.model_copy(update={"policy": policy})
    write_json(setting.export_dir / MODEL, seeing.model_dump(mode="json", by_alias=True))
    asked = training(REACH_ID)
    subject = Subject(setting.export_dir, None, tmp_path, None, None, asked)
    with Examiner(subject) as examiner:
        assert "pixels" in examiner._env.observation_space.spaces


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
        vectors_of=REACH_ID,
    )
    proof = setting.prove(workers=1)
    assert proof.policy is not None
    assert (proof.policy.success.successes, proof.policy.limit_violations) == (3, None)
    gate = next(gate for gate in proof.gates if gate.name == "limit violations")
    assert (gate.got, gate.passed) == ("0", True)
    assert "policy alone: an environment without limits" in gate.note
