"""Cloning: from an environment with an expert to a policy that does the task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from trunnion_contract.manifest import PolicySpec
from trunnion_contract.progress import Silent
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_training.export import export
from trunnion_training.policy.clone import clone
from trunnion_training.policy.environment import is_success, open_environment, task_of
from trunnion_training.policy.exportable import ExportablePolicy, load_policy


@pytest.fixture
def usecase(point_cell: str) -> UseCase:
    policy = {
        "env": "tests/Point-v0", "env_package": point_cell, "demonstrations": 60, "epochs": 20, "batch": 64,
        "hidden": [64, 64], "learning_rate": 0.005,
    }  # fmt: skip
    return UseCase.model_validate(
        {
            "schema": 1, "name": "point", "version": "0.1.0", "problem": "Fly to the target.", "classes": ["target"],
            "models": {"policy": policy},
        }
    )  # fmt: skip


def test_a_cloned_policy_does_the_task_and_ships_within_parity(usecase: UseCase, tmp_path: Path) -> None:
    train_dir, export_dir = tmp_path / "train", tmp_path / "export"
    policy = load_policy(clone(usecase, train_dir, Silent()).parent)
    assert _successes(policy, usecase, episodes=20) >= 18
    metrics = json.loads((train_dir / "policy_metrics.json").read_text())
    assert metrics["episodes_played"] == 60
    assert metrics["history"]["validation"][-1] < metrics["history"]["validation"][0] / 4
    assert sorted(path.name for path in train_dir.iterdir()) == [
        "policy.pt", "policy_curves.png", "policy_held_out.npy", "policy_metrics.json", "policy_spec.json",
    ]  # fmt: skip
    manifest = export(usecase, tmp_path / "no data", train_dir, export_dir, Silent())
    assert manifest.policy is not None
    assert manifest.dataset_digest is None
    assert manifest.policy.parity[0].samples == 1000
    assert manifest.policy.parity[0].absolute <= 1e-5
    assert manifest.policy.episodes is not None
    assert manifest.policy.episodes.torch_successes == manifest.policy.episodes.onnx_successes >= 45
    assert manifest.policy.episodes.differing == 0
    assert manifest.policy.spec == read_json(PolicySpec, train_dir / "policy_spec.json")


def _successes(policy: ExportablePolicy, usecase: UseCase, episodes: int) -> int:
    env, successes = open_environment(task_of(usecase)), 0
    for seed in range(episodes):
        observation, over = env.reset(seed=seed)[0], False
        while not over:
            observation, _, terminated, truncated, info = env.step(
                policy.act(np.asarray(observation)[None])[0]
            )
            over = terminated or truncated
        successes += is_success(info)
    return successes
