"""DAgger: the policy leads and the expert labels; rounds are kept, and the same seed gives the same policy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from trunnion_contract.progress import Silent
from trunnion_training.policy import dagger as module
from trunnion_training.policy.dagger import labelled
from trunnion_training.policy.description import expert_of
from trunnion_training.policy.environment import Task, open_environment
from trunnion_training.policy.exportable import load_policy
from trunnion_training.policy.methods import train_policy

SETTINGS = {
    "env": "tests/Point-v0", "env_package": "point_cell", "method": "dagger", "demonstrations": 4, "epochs": 20,
    "batch": 64, "hidden": [32, 32], "learning_rate": 0.005,
    "dagger": {"rounds": 2, "episodes": 6, "evaluation_episodes": 40},
}  # fmt: skip


def test_rounds_of_dagger_make_a_policy_of_few_demonstrations_better(
    point_cell: str, usecase_of, tmp_path: Path
) -> None:
    train_policy(usecase_of(SETTINGS), tmp_path, Silent())
    found = json.loads((tmp_path / "policy_metrics.json").read_text())
    assert len(found["history"]) == 3
    assert found["samples"] == sorted(set(found["samples"]))
    assert found["best"]["lower"] > found["history"][0]["lower"]


def test_it_ends_as_soon_as_the_gates_pass(point_cell: str, usecase_of, tmp_path: Path) -> None:
    train_policy(usecase_of(SETTINGS, {"policy_success_min": 0.0}), tmp_path, Silent())
    assert len(json.loads((tmp_path / "policy_metrics.json").read_text())["history"]) == 1


def test_rounds_that_were_kept_are_not_played_again_and_give_the_same_policy(
    point_cell: str, usecase_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken, played = tmp_path / "whole", tmp_path / "broken", list[int]()

    def counted(*arguments):
        if len(played) == 8:
            raise KeyboardInterrupt
        played.append(1)
        return labelled(*arguments)

    train_policy(usecase_of(SETTINGS), whole, Silent())
    monkeypatch.setattr(module, "labelled", counted)
    with pytest.raises(KeyboardInterrupt):
        train_policy(usecase_of(SETTINGS), broken, Silent())
    played.clear()
    train_policy(usecase_of(SETTINGS), broken, Silent())
    assert len(played) == 2 * 6 - 8
    a, b = (load_policy(folder).state_dict() for folder in (whole, broken))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_the_expert_labels_where_the_policy_leads(point_cell: str) -> None:
    env = open_environment(Task("tests/Point-v0", point_cell))

    class Still:
        def act(self, observation: np.ndarray) -> np.ndarray:
            return np.array([[0, 0, 0.08]], np.float32)

    led = labelled(env, Still(), 0.0, seed=1)
    assert (led.observations == led.observations[0]).all()
    expected = [expert_of(env).expert_action(row) for row in led.observations]
    np.testing.assert_array_equal(led.actions, expected)
    followed = labelled(env, Still(), 1.0, seed=1)
    assert (followed.observations != followed.observations[0]).any()
