"""Cloning: from an environment with an expert to a policy that does the task."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tests.training.demonstrated import HEADER, episodes

from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_text
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.progress import Silent
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import Gates, UseCase, load_usecase
from trunnion_training.export import export
from trunnion_training.policy import course
from trunnion_training.policy.clone import clone, work_dir
from trunnion_training.policy.environment import is_success, open_environment, task_of
from trunnion_training.policy.exportable import ExportablePolicy, load_policy
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import Assessment, assess
from trunnion_training.policy.record import record
from trunnion_training.policy.recording import write_recording


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


def test_a_set_of_demonstrations_is_played_again_for_another_disturbance_and_not_for_the_same(
    usecase: UseCase, tmp_path: Path
) -> None:
    (work_dir(usecase, tmp_path) / "kept.npy").touch()
    assert (work_dir(usecase, tmp_path) / "kept.npy").exists()
    assert not (work_dir(_with(usecase, disturbance=0.0), tmp_path) / "kept.npy").exists()


def test_a_recording_is_learnt_from_as_if_the_expert_had_just_played_it(
    usecase: UseCase, tmp_path: Path
) -> None:
    task = task_of(usecase)
    record(task, 10, 0, tmp_path / "shown.parquet", Silent())
    short = {"epochs": 2, "recording": None, "demonstrations": 10}
    clone(_with(usecase, **short), tmp_path / "played", Silent())
    recorded = _with(usecase, **short | {"recording": "shown.parquet", "demonstrations": None})
    write_text(tmp_path / "point.yaml", yaml.safe_dump(recorded.model_dump(mode="json", by_alias=True)))
    clone(load_usecase(tmp_path / "point.yaml"), tmp_path / "recorded", Silent())
    for name in ("policy_held_out.npy", "policy_metrics.json", "policy_spec.json"):
        assert (tmp_path / "recorded" / name).read_bytes() == (tmp_path / "played" / name).read_bytes()


def test_a_recording_of_another_environment_is_refused_before_anything_is_learnt(
    usecase: UseCase, tmp_path: Path
) -> None:
    write_recording(tmp_path / "slow.parquet", HEADER.model_copy(update={"rate_hz": 10.0}), episodes())
    other = _with(usecase, recording=str(tmp_path / "slow.parquet"), demonstrations=None)
    with pytest.raises(
        BadInput, match=r"slow\.parquet: rate: got 10 Hz, wanted 20 Hz, as tests/Point-v0 has it"
    ):
        clone(other, tmp_path / "train", Silent())


def test_fitting_ends_as_soon_as_the_gates_pass_and_keeps_the_best(usecase: UseCase, tmp_path: Path) -> None:
    watched = _with(usecase, epochs=40, early_stop={"every_epochs": 4, "evaluation_episodes": 50})
    gates = Gates(policy_success_min=0.8)
    watched = watched.model_copy(update={"prove": watched.prove.model_copy(update={"gates": gates})})
    policy = load_policy(clone(watched, tmp_path, Silent()).parent)
    metrics = json.loads((tmp_path / "policy_metrics.json").read_text())
    history = metrics["early_stop"]["history"]
    assert metrics["early_stop"]["best"] == history[-1] | {"epoch": metrics["epochs"]}
    assert [one["epoch"] for one in history] == list(range(4, metrics["epochs"] + 1, 4))
    assert metrics["epochs"] < 40
    assert [one["rate"] >= 0.8 for one in history] == [False] * (len(history) - 1) + [True]
    with Players(task_of(watched), workers=1) as players:
        again = assess(players, policy, 50, gates)
    assert again.successes == history[-1]["successes"]


def test_without_gates_the_best_of_all_epochs_stays_although_it_is_not_the_last(
    usecase: UseCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([Assessment(1, 10, 0.0), Assessment(9, 10, 0.0), Assessment(5, 10, 0.0)])
    seen = list[dict[str, torch.Tensor]]()
    monkeypatch.setattr(
        course,
        "assess",
        lambda env, network, *rest: seen.append(copy.deepcopy(network.state_dict())) or next(found),
    )
    watched = _with(usecase, demonstrations=10, epochs=5, early_stop={"every_epochs": 2})
    policy = load_policy(clone(watched, tmp_path, Silent()).parent)
    assert all(torch.equal(value, seen[1][name]) for name, value in policy.state_dict().items())
    metrics = json.loads((tmp_path / "policy_metrics.json").read_text())
    assert [one["epoch"] for one in metrics["early_stop"]["history"]] == [2, 4, 5]
    assert metrics["early_stop"]["best"]["epoch"] == 4
    assert metrics["validation_loss"] == metrics["history"]["validation"][3]


class Stopping(Silent):
    """Stops the training, as Ctrl-C does, when so many steps are done."""

    def __init__(self, after: int) -> None:
        self._left = after

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._left -= steps
        if self._left <= 0:
            raise KeyboardInterrupt


def test_what_was_stopped_goes_on_after_the_last_whole_epoch_and_ends_with_the_same_policy(
    usecase: UseCase, tmp_path: Path
) -> None:
    short = _with(usecase, demonstrations=10, epochs=6)
    clone(short, tmp_path / "whole", Silent())
    with pytest.raises(KeyboardInterrupt):
        clone(short, tmp_path / "stopped", Stopping(after=10 + 4))
    state = torch.load(next(tmp_path.rglob("epoch.pt")), weights_only=True)
    assert state["epochs_done"] == 4
    clone(short, tmp_path / "stopped", Silent())
    for name in ("policy.pt", "policy_metrics.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()


def test_batches_of_which_a_worker_would_have_nothing_are_refused_before_anything_is_started(
    usecase: UseCase, tmp_path: Path
) -> None:
    few = _with(usecase, demonstrations=4, batch=2, workers={"count": 3})
    with pytest.raises(BadInput, match=r"models\.policy\.batch: got batches of 2 steps .* each of 3 workers"):
        clone(few, tmp_path, Silent())


def _with(usecase: UseCase, **changes: Any) -> UseCase:
    document = usecase.model_dump(mode="json", by_alias=True)
    document["models"]["policy"].update(changes)
    return UseCase.model_validate(document)


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
