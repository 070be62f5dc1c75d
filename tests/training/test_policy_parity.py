"""Parity of policies: a thousand observations, and whole episodes that have to end alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from trunnion_contract.errors import GatesFailed
from trunnion_contract.manifest import Entry, ModelManifest, PolicySpec
from trunnion_contract.progress import Silent
from trunnion_contract.strict import read_json
from trunnion_contract.tensor import TensorSpec
from trunnion_contract.usecase import ParityLimits
from trunnion_training.export import export
from trunnion_training.policy.environment import Task, open_environment
from trunnion_training.policy.exportable import PolicyEngine, load_policy
from trunnion_training.policy.methods import train_policy
from trunnion_training.policy_parity import episode_parity, policy_observations, policy_parity

CLONED = {
    "env": "tests/Point-v0", "env_package": "point_cell", "demonstrations": 10, "epochs": 60, "batch": 64,
    "hidden": [64, 64], "learning_rate": 0.005,
}  # fmt: skip


def test_a_policy_is_compared_on_a_thousand_observations_in_its_ranges() -> None:
    entry = Entry(name="x_m", size=2, unit="m", low=-1, high=1)
    tensor = TensorSpec(name="x", dtype="float32", shape=("N", 2))
    spec = PolicySpec(input=tensor, output=tensor, observation=(entry,), action=(entry,), rate_hz=20)
    observations = policy_observations(spec, np.full((30, 2), 0.5, np.float32))
    assert observations.shape == (1000, 2)
    assert (observations == 0.5).all(axis=1).sum() == 30
    assert np.abs(observations).max() <= 1


class Backwards(PolicyEngine):
    """What an export must not do: it flies the other way."""

    def infer(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: -output for name, output in super().infer(inputs).items()}


def test_an_export_that_acts_otherwise_is_seen_in_actions_and_in_episodes(
    point_cell: str, usecase_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usecase = usecase_of(CLONED)
    train_policy(usecase, tmp_path / "train", Silent())
    policy, limits = load_policy(tmp_path / "train"), ParityLimits(episodes=10)
    env = open_environment(Task("tests/Point-v0", point_cell))
    same = episode_parity(env, policy, PolicyEngine(policy), limits)
    assert same.passed
    assert same.torch_successes == same.onnx_successes > 0
    other = episode_parity(env, policy, Backwards(policy), limits)
    assert other.differing == same.torch_successes
    assert not other.passed
    observations = np.zeros((1, 4), np.float32)
    assert policy_parity(policy, PolicyEngine(policy), observations, limits).absolute == 0
    assert not policy_parity(policy, Backwards(policy), observations, limits).passed
    monkeypatch.setattr("trunnion_training.export.episode_parity", lambda *_: other)
    with pytest.raises(GatesFailed, match=r"of 10 episodes that end otherwise in ONNX than in torch"):
        export(usecase, tmp_path / "no data", tmp_path / "train", tmp_path / "export", Silent())
    written = read_json(ModelManifest, tmp_path / "export" / "model.json").policy
    assert written is not None
    assert written.episodes == other
