"""ACT: from demonstrations to a policy of action chunks that the robot's own runtime plays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from trunnion_contract.act_training import ActTraining
from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.policy_training import EarlyStop
from trunnion_contract.progress import Silent
from trunnion_contract.strict import parse, read_json
from trunnion_contract.usecase import Gates, ParityLimits, UseCase
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.policy import Policy
from trunnion_training.policy.act import learn_act
from trunnion_training.policy.act_network import ActNetwork
from trunnion_training.policy.chunks import Chunks
from trunnion_training.policy.course import EarlyStopping
from trunnion_training.policy.demonstrations import Demonstrations, Episode, demonstrate
from trunnion_training.policy.environment import Task, open_environment
from trunnion_training.policy.exportable import load_policy
from trunnion_training.policy.methods import train_policy
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import assess
from trunnion_training.policy_parity import episode_parity, policy_observations, policy_parity

ENV = "tests/Point-v0"
SETTINGS = ActTraining(
    demonstrations=60, epochs=12, chunk=4, replan_every=2, width=32, layers=1, heads=2, kl_weight=1.0,
    learning_rate=3e-3, batch=64,
)  # fmt: skip
SHORT = SETTINGS.model_copy(update={"epochs": 3, "width": 16})
WRITTEN = [
    "policy.pt", "policy_curves.png", "policy_held_out.npy", "policy_metrics.json", "policy_spec.json",
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> Demonstrations:
    """60 episodes of the point's expert."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        return demonstrate(Task(ENV, "point_cell"), 60, 0, tmp_path_factory.mktemp("demonstrated"), Silent())


@pytest.fixture(scope="module")
def few(demonstrations: Demonstrations) -> Demonstrations:
    """A dozen of them, where bytes are compared and nothing has to be learnt."""
    return Demonstrations(demonstrations.episodes[:12], 12)


@pytest.fixture
def task(point_cell: str) -> Task:
    return Task(ENV, point_cell)


class Stopped(Exception):
    """Somebody stopped the training."""


class Stopping(Silent):
    """Progress that stops the training in the middle of an epoch's end, after some epochs."""

    def __init__(self, epochs: int) -> None:
        self._left = epochs

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._left -= steps
        if self._left <= 0:
            raise Stopped


def test_a_learnt_policy_flies_to_the_target_on_the_robots_runtime_within_parity(
    task: Task, demonstrations: Demonstrations, tmp_path: Path
) -> None:
    checkpoint = learn_act(task, SETTINGS, demonstrations, tmp_path, Silent())
    assert sorted(path.name for path in tmp_path.iterdir()) == WRITTEN
    spec = read_json(PolicySpec, tmp_path / "policy_spec.json")
    assert (spec.chunk, spec.replan_every, spec.output.shape) == (4, 2, ("N", 4, 3))
    network = ActNetwork.load(checkpoint, spec)
    network.export_onnx(tmp_path / "policy.onnx", opset=17)
    rows = policy_observations(spec, np.load(tmp_path / "policy_held_out.npy", allow_pickle=False))
    with open_engine(tmp_path / "policy.onnx", EngineSettings(threads=1, device="cpu")) as engine:
        plans = engine.infer({"observation": rows})["action"]
        assert len(plans) == 1000
        assert np.abs(plans - network.act(rows)).max() <= 1e-5
        assert _arrivals(Policy(engine, spec), task, episodes=10) == 10
    metrics = json.loads((tmp_path / "policy_metrics.json").read_text())
    assert metrics["episodes_played"] == 60
    assert metrics["history"]["validation"][-1] < metrics["history"]["validation"][0] / 2


def _arrivals(policy: Policy, task: Task, episodes: int) -> int:
    """In how many episodes the point is at the target in the end."""
    env, arrivals = open_environment(task), 0
    for seed in range(episodes):
        policy.forget()
        observation, over = env.reset(seed=seed)[0], False
        while not over:
            named = {"point_m": observation[:2], "target_m": observation[2:]}
            action = np.concatenate(list(policy.act(named).values()))
            observation, _, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
        arrivals += bool(np.linalg.norm(observation[:2] - observation[2:]) < 0.02)
    return arrivals


def test_a_chunk_is_what_the_expert_did_next() -> None:
    numbers = np.arange(10, dtype=np.float32)
    chunks = Chunks.of(
        [Episode(numbers[:, None], numbers[:, None] + 100), Episode(numbers[:1, None], -numbers[:1, None])], 4
    )
    assert chunks.plans[7, :, 0].tolist() == [107, 108, 109, 109]
    assert chunks.keep[7].tolist() == [True, True, True, False]
    assert chunks.keep[10].tolist() == [True, False, False, False]
    assert len(chunks.observations) == 11


def test_the_same_seed_gives_the_same_weights_and_another_one_others(
    task: Task, few: Demonstrations, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    learn_act(task, SHORT, few, tmp_path / "a", Silent())
    torch.manual_seed(2)
    before = torch.get_rng_state()
    learn_act(task, SHORT, few, tmp_path / "b", Silent())
    assert torch.equal(torch.get_rng_state(), before)
    learn_act(task, SHORT.model_copy(update={"seed": 1}), few, tmp_path / "c", Silent())
    a, b, c = ((tmp_path / name / "policy.pt").read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("epochs", [1, 3])
def test_what_was_stopped_goes_on_and_ends_with_the_same_weights(
    task: Task, few: Demonstrations, tmp_path: Path, epochs: int
) -> None:
    learn_act(task, SHORT, few, tmp_path / "whole", Silent())
    with pytest.raises(Stopped):
        learn_act(task, SHORT, few, tmp_path / "stopped", Stopping(epochs))
    learn_act(task, SHORT, few, tmp_path / "stopped", Silent())
    for name in ("policy.pt", "policy_metrics.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "stopped").iterdir()) == WRITTEN


def test_early_stopping_keeps_the_best_and_goes_on_after_a_stop_as_if_nothing_had_been(
    task: Task, few: Demonstrations, tmp_path: Path
) -> None:
    with Players(task, workers=1) as players:

        def watched() -> EarlyStopping:
            return EarlyStopping(players, EarlyStop(every_epochs=1, evaluation_episodes=40), Gates())

        learn_act(task, SHORT, few, tmp_path / "whole", Silent(), watched())
        with pytest.raises(Stopped):
            learn_act(task, SHORT, few, tmp_path / "stopped", Stopping(2), watched())
        learn_act(task, SHORT, few, tmp_path / "stopped", Silent(), watched())
        for name in ("policy.pt", "policy_metrics.json"):
            assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()
        found = json.loads((tmp_path / "whole" / "policy_metrics.json").read_text())["early_stop"]
        assert [one["epoch"] for one in found["history"]] == [1, 2, 3]
        kept = assess(players, load_policy(tmp_path / "whole"), 40, Gates())
        assert kept.order == max((one["lower"], one["mean_return"]) for one in found["history"])


def test_what_other_settings_left_is_not_gone_on_with(
    task: Task, few: Demonstrations, tmp_path: Path
) -> None:
    other = SHORT.model_copy(update={"learning_rate": 1e-4})
    learn_act(task, SHORT, few, tmp_path / "whole", Silent())
    with pytest.raises(Stopped):
        learn_act(task, other, few, tmp_path / "stopped", Stopping(2))
    learn_act(task, SHORT, few, tmp_path / "stopped", Silent())
    assert (tmp_path / "whole" / "policy.pt").read_bytes() == (
        tmp_path / "stopped" / "policy.pt"
    ).read_bytes()


LEARN = """
import os, signal, sys
from pathlib import Path
import numpy as np
from trunnion_contract.act_training import ActTraining
from trunnion_contract.progress import Silent
from trunnion_training.policy.act import learn_act
from trunnion_training.policy.demonstrations import Demonstrations, Episode
from trunnion_training.policy.environment import Task

class Killed(Silent):
    epochs = 0
    def advance(self, steps=1, note=""):
        self.epochs += steps
        if self.epochs == 2:
            os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
rows = [np.load(file) for file in sorted(folder.glob("*.npy"))]
episodes = tuple(Episode(np.ascontiguousarray(r[:, :4]), np.ascontiguousarray(r[:, 4:])) for r in rows)
settings = ActTraining.model_validate_json(sys.argv[2])
learn_act(Task("tests/Point-v0", "point_cell"), settings, Demonstrations(episodes, 12), folder / "out", Killed())
"""


def test_a_killed_training_goes_on_after_its_last_whole_epoch(
    task: Task, few: Demonstrations, tmp_path: Path
) -> None:
    for index, episode in enumerate(few.episodes):
        np.save(tmp_path / f"{index:02d}.npy", np.hstack([episode.observations, episode.actions]))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LEARN, str(tmp_path), SHORT.model_dump_json()]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".act"]
    progress = Counting()
    learn_act(task, SHORT, few, tmp_path / "out", progress)
    learn_act(task, SHORT, few, tmp_path / "whole", Silent())
    assert progress.steps == [2, 1]
    assert (tmp_path / "whole" / "policy.pt").read_bytes() == (tmp_path / "out" / "policy.pt").read_bytes()


class Counting(Silent):
    """Progress that remembers its steps."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps.append(steps)


def test_demonstrations_of_another_shape_are_refused(task: Task, tmp_path: Path) -> None:
    wide = Episode(np.zeros((5, 6), np.float32), np.zeros((5, 3), np.float32))
    with pytest.raises(
        BadInput, match="demonstration 0: got 6 numbers observed and 3 in an action, wanted 4 and 3"
    ):
        learn_act(task, SHORT, Demonstrations((wide, wide), 2), tmp_path, Silent())


def test_one_demonstration_is_too_few(task: Task, demonstrations: Demonstrations, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="two or more"):
        learn_act(task, SHORT, Demonstrations(demonstrations.episodes[:1], 1), tmp_path, Silent())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"replan_every": 9}, "replan_every of at most 8"),
        ({"width": 30}, "a width that 4 heads can share evenly"),
        ({"chunk": 1}, "greater than or equal to 2"),
        ({"epoch": 3}, "did you mean 'epochs'"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse(ActTraining, {"demonstrations": 10, "epochs": 5, **change}, "settings")


def test_a_use_case_asks_for_chunks_and_gets_a_policy_that_export_takes(
    point_cell: str, usecase_of: Callable[..., UseCase], tmp_path: Path
) -> None:
    asked = {
        "env": ENV, "env_package": point_cell, "method": "act", "demonstrations": 12, "epochs": 2, "batch": 64,
        "act": {"chunk": 4, "replan_every": 2, "width": 16, "layers": 1, "heads": 2},
    }  # fmt: skip
    train_policy(usecase_of(asked), tmp_path, Silent())
    assert sorted(path.name for path in tmp_path.iterdir()) == WRITTEN
    policy = load_policy(tmp_path)
    assert (policy.spec.chunk, policy.spec.replan_every) == (4, 2)
    policy.export_onnx(tmp_path / "policy.onnx", 17)
    env = open_environment(Task(ENV, point_cell))
    with open_engine(tmp_path / "policy.onnx", EngineSettings(device="cpu", threads=1)) as engine:
        held_out = np.load(tmp_path / "policy_held_out.npy", allow_pickle=False)
        assert policy_parity(policy, engine, held_out, ParityLimits()).passed
        assert episode_parity(env, policy, engine, ParityLimits(episodes=5)).passed
