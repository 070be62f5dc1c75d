"""Policies on a cluster of four nodes that loses one: the same episodes, the same curves, one epoch lost at most."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.cluster.simulated import NODES, KillingANode

from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import Gates, UseCase
from trunnion_training.cluster.engine import engine
from trunnion_training.policy import demonstrations
from trunnion_training.policy.clone import spec_of
from trunnion_training.policy.demonstrations import demonstrate
from trunnion_training.policy.environment import Task
from trunnion_training.policy.fitting import Samples, new_network
from trunnion_training.policy.methods import train_policy
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import assess

REACH = Task("trunnion/Reach-v0", "trunnion_sim")
SHOWN, PLAYED = 12, 50
ACT = {"chunk": 2, "replan_every": 1, "width": 16, "layers": 1, "heads": 2}
pytestmark = pytest.mark.usefixtures("one_thread")


def usecase_of(**policy: Any) -> UseCase:
    settings = {"env": REACH.env_id, "demonstrations": SHOWN, "hidden": [16], "batch": 33, **policy}
    return UseCase.model_validate(
        {
            "schema": 1, "name": "reach", "version": "0.1.0", "problem": "Reach.",
            "models": {"policy": settings}, "prove": {"policy_episodes": 40},
        }
    )  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_demonstrations_and_assessments_are_the_same_on_a_cluster_that_loses_a_node(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, progress = tmp_path / "alone", KillingANode(cluster, after=10)
    with monkeypatch.context() as patch:
        patch.setattr(demonstrations, "available_cores", lambda: 1)
        shown = demonstrate(REACH, PLAYED, 0, alone, Silent())
    settings = PolicyTraining(env=REACH.env_id, demonstrations=1, epochs=1, hidden=(8,))
    network = new_network(settings, spec_of(REACH), Samples.of(shown.episodes)).eval()
    with Players(REACH, workers=1) as one:
        found = assess(one, network, PLAYED, Gates())
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    # One connection, so that workers are there already when they are asked again.
    with engine():
        demonstrate(REACH, PLAYED, 0, tmp_path / "cluster", progress)
        with Players(REACH, workers=NODES, worth_s=0) as four:
            assert assess(four, network, PLAYED, Gates()) == found
    assert progress.killed
    assert progress.steps == PLAYED
    assert contents(tmp_path / "cluster") == contents(alone)


class Watching(KillingANode):
    """Kills when workers have learnt for an epoch, and keeps what they had learnt by then."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        super().__init__(cluster, after=SHOWN + 1)
        self._file, self.losses = folder / "epoch.pt", dict[str, list[float]]()

    def at_the_kill(self) -> None:
        self.losses = torch.load(self._file, weights_only=True)["curves"]["loss"]


def learnt(folder: Path) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((folder / "policy_metrics.json").read_text())
    return metrics


def test_workers_that_lose_a_node_fit_a_clone_as_one_process_does(on_cluster: Any, tmp_path: Path) -> None:
    epochs, early = 400, {"every_epochs": 100, "evaluation_episodes": 3}
    settings = {"epochs": epochs, "early_stop": early}
    train_policy(usecase_of(**settings), tmp_path / "one", Silent())
    progress = Watching(on_cluster, tmp_path / "two" / ".policy/fitting")
    train_policy(usecase_of(**settings, workers={"count": 2}), tmp_path / "two", progress)
    assert progress.killed
    one, two = learnt(tmp_path / "one"), learnt(tmp_path / "two")
    assert one["epochs"] == two["epochs"] == epochs
    assert [look["epoch"] for look in two["early_stop"]["history"]] == [100, 200, 300, 400]
    for name, values in two["history"].items():
        # What was whole when the node died was not learnt again.
        whole = len(progress.losses[name])
        assert 0 < whole < epochs
        assert values[:whole] == progress.losses[name]
        np.testing.assert_allclose(values[:20], one["history"][name][:20], rtol=1e-3)
        np.testing.assert_allclose(values, one["history"][name], rtol=0.1)
    assert contents(tmp_path / "one").keys() == contents(tmp_path / "two").keys()


@pytest.mark.usefixtures("on_cluster")
def test_workers_learn_chunks_as_one_process_does(tmp_path: Path) -> None:
    settings = {"method": "act", "epochs": 8, "act": ACT}
    for name, workers in (("one", 1), ("two", 2)):
        train_policy(usecase_of(**settings, workers={"count": workers}), tmp_path / name, Silent())
    one, two = learnt(tmp_path / "one"), learnt(tmp_path / "two")
    for name, values in two["history"].items():
        np.testing.assert_allclose(values, one["history"][name], rtol=1e-3)
    assert contents(tmp_path / "one").keys() == contents(tmp_path / "two").keys()
