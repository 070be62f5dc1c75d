"""Reinforcement: it learns, ends when it is enough, goes on after a kill as if nothing had been, and ships."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_training.export import export
from trunnion_training.policy import reinforce
from trunnion_training.policy.clone import work_dir
from trunnion_training.policy.environment import Task
from trunnion_training.policy.exportable import load_policy
from trunnion_training.policy.methods import train_policy
from trunnion_training.policy.playing import HELD_OUT_SEED
from trunnion_training.policy.record import record

GATES = {"policy_success_min": 0.95, "policy_success_lower_min": 0.9}
SMALL = {"round_steps": 200, "learning_starts": 50, "evaluation_episodes": 50, "environments": 4, "batch": 64}
GOAL_LINE = {"env": "tests/GoalLine-v0", "env_package": "goal_line", "hidden": [32, 32]}
FROM_SCRATCH = GOAL_LINE | {"method": "sac", "reinforcement": SMALL | {"steps": 3000}}
FROM_CLONE = {"demonstrations": 10, "epochs": 3, "batch": 32}


def metrics(folder: Path) -> dict:
    return json.loads((folder / "policy_metrics.json").read_text())


def test_sac_with_hindsight_learns_ends_early_and_ships_within_parity(
    goal_line: str, usecase_of, tmp_path: Path
) -> None:
    usecase = usecase_of(FROM_SCRATCH, GATES)
    train_policy(usecase, tmp_path / "train", Silent())
    found = metrics(tmp_path / "train")
    assert found["gates_passed_on_held_out_seeds"]
    assert found["best"]["lower"] >= 0.9
    assert found["steps"] < 3000
    assert found["history"][0]["rate"] < 0.95
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == [
        "policy.pt", "policy_curves.png", "policy_held_out.npy", "policy_metrics.json", "policy_spec.json",
    ]  # fmt: skip
    policy = export(usecase, tmp_path / "no data", tmp_path / "train", tmp_path / "export", Silent()).policy
    assert policy is not None
    assert policy.parity[0].passed
    assert policy.episodes is not None
    assert policy.episodes.torch_successes == policy.episodes.onnx_successes >= 45


@pytest.mark.parametrize("method", ["sac", "ppo"])
def test_what_was_cloned_stays_as_it_is_while_the_critic_learns_alone_and_is_the_first_to_be_assessed(
    goal_line: str, usecase_of, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reinforcement = SMALL | {"steps": 600, "start": "clone", "critic_warmup_steps": 200}
    usecase = usecase_of(GOAL_LINE | FROM_CLONE | {"method": method, "reinforcement": reinforcement})
    seen = list[dict[str, torch.Tensor]]()
    whole = reinforce.assess
    monkeypatch.setattr(
        reinforce,
        "assess",
        lambda env, network, *rest: (
            seen.append(copy.deepcopy(network.state_dict())) or whole(env, network, *rest)
        ),
    )
    train_policy(usecase, tmp_path, Silent())
    assert [entry["steps"] for entry in metrics(tmp_path)["history"]] == [0, 200, 400, 600]
    first, still, moved, _ = seen
    assert all(torch.equal(first[name], still[name]) for name in first)
    assert not all(torch.equal(first[name], moved[name]) for name in first)
    assert metrics(tmp_path)["best"]["lower"] >= metrics(tmp_path)["history"][0]["lower"]


def test_practice_goes_on_from_a_policy_that_was_cloned_from_a_recording(
    goal_line: str, usecase_of, tmp_path: Path
) -> None:
    record(Task(GOAL_LINE["env"], goal_line), 10, 0, tmp_path / "shown.parquet", Silent())
    shown = FROM_CLONE | {"demonstrations": None, "recording": str(tmp_path / "shown.parquet")}
    practice = SMALL | {"steps": 400, "start": "clone", "critic_warmup_steps": 200}
    train_policy(
        usecase_of(GOAL_LINE | shown | {"method": "sac", "reinforcement": practice}), tmp_path, Silent()
    )
    assert [entry["steps"] for entry in metrics(tmp_path)["history"]] == [0, 200, 400]


def test_without_success_in_its_infos_an_environment_is_learnt_by_its_rewards(
    usecase_of, tmp_path: Path
) -> None:
    reinforcement = SMALL | {"steps": 400, "evaluation_episodes": 3}
    train_policy(
        usecase_of({"env": "Pendulum-v1", "method": "sac", "hidden": [16], "reinforcement": reinforcement}),
        tmp_path,
        Silent(),
    )
    returns = [entry["mean_return"] for entry in metrics(tmp_path)["history"]]
    assert metrics(tmp_path)["best"]["mean_return"] == max(returns)


@pytest.mark.parametrize("method", ["sac", "ppo"])
def test_a_run_that_was_killed_ends_with_the_policy_of_an_unbroken_one(
    goal_line: str, usecase_of, tmp_path: Path, method: str
) -> None:
    settings = GOAL_LINE | {"method": method, "reinforcement": SMALL | {"steps": 600}}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train_policy(usecase_of(settings), whole, Silent())
    _killed_after_a_round(settings, broken)
    assert not (broken / "policy.pt").exists()
    train_policy(usecase_of(settings), broken, Silent())
    assert metrics(broken) == metrics(whole)
    a, b = (load_policy(folder).state_dict() for folder in (whole, broken))
    assert all(torch.equal(a[name], b[name]) for name in a)


def _killed_after_a_round(settings: dict, out_dir: Path) -> None:
    """Train in another process, and kill it when there is something to go on from."""
    code = "import json, sys; from reinforced import train; train(json.loads(sys.argv[1]), sys.argv[2])"
    here = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, json.dumps(settings), str(out_dir)], env=environment
    )
    deadline = time.monotonic() + 120
    while not (out_dir / ".policy" / "reinforcement.pt").exists():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_nothing_is_unpickled_when_a_run_goes_on(goal_line: str, usecase_of, tmp_path: Path) -> None:
    settings = GOAL_LINE | {"method": "sac", "reinforcement": SMALL | {"steps": 200}}
    usecase = usecase_of(settings)
    work = work_dir(usecase, tmp_path)
    state_file, trap = work / "reinforcement.pt", tmp_path / "run by a pickle"
    torch.save({"settings": _Touch(trap)}, state_file)
    with pytest.raises(BadInput, match="does not load"):
        train_policy(usecase_of(settings), tmp_path, Silent())
    assert not trap.exists()


class _Touch:
    """Pickled, it makes a file where it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self):
        return Path.touch, (self._path,)


def test_held_out_seeds_are_none_that_are_learnt_from() -> None:
    from trunnion_training.policy import dagger, learner
    from trunnion_training.policy.demonstrations import demonstration_seed

    others = [demonstration_seed(0, 0), learner._FIRST_SEED, dagger._FIRST_SEED]
    assert all(abs(seed - HELD_OUT_SEED) >= 100_000_000 for seed in others)
    assert np.max(others) < 2**32
