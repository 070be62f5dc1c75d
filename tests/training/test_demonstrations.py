"""Demonstrations: clean labels, disturbed execution, kept one by one."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import load_usecase
from trunnion_training.policy import demonstrations
from trunnion_training.policy.demonstrations import demonstrate, play
from trunnion_training.policy.environment import Task, demonstrable, open_environment, ranges, task_of

ENV = "tests/Point-v0"


class Counting(Silent):
    """Progress that remembers its steps."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps.append(steps)


@pytest.fixture
def env(point_cell: str) -> gymnasium.Env[np.ndarray, np.ndarray]:
    return open_environment(Task(ENV, point_cell))


def test_labels_are_the_experts_own_actions(env: gymnasium.Env[np.ndarray, np.ndarray]) -> None:
    episode, _ = play(env, seed=5)
    expert = demonstrable(env).expert_action
    np.testing.assert_array_equal(episode.actions, [expert(row) for row in episode.observations])


def test_execution_is_disturbed_within_the_range_of_actions(
    env: gymnasium.Env[np.ndarray, np.ndarray],
) -> None:
    executed: list[np.ndarray] = []
    step = env.step
    env.step = lambda action: executed.append(action) or step(action)  # type: ignore[func-returns-value,method-assign]
    episode, _ = play(env, seed=5)
    low, high = ranges(demonstrable(env).action_entries)
    assert all(((action >= low) & (action <= high)).all() for action in executed)
    assert np.abs(np.array(executed) - episode.actions).max() > 0.01


def test_the_same_seed_gives_the_same_episode(env: gymnasium.Env[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(play(env, seed=5)[0].actions, play(env, seed=5)[0].actions)


def test_episodes_that_were_kept_are_not_played_again(
    point_cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = demonstrate(Task(ENV, point_cell), 6, 0, tmp_path, Silent())
    assert len(list(tmp_path.glob("*.npy"))) == first.played == 6
    monkeypatch.setattr(demonstrations, "worker_pool", None)  # nothing may be started
    progress = Counting()
    again = demonstrate(Task(ENV, point_cell), 6, 0, tmp_path, progress)
    assert progress.steps == [6]
    for a, b in zip(first.episodes, again.episodes, strict=True):
        np.testing.assert_array_equal(a.observations, b.observations)


def test_an_environment_that_knows_of_cells_is_played_in_the_use_cases_own(repository: Path) -> None:
    usecase = load_usecase(repository / "training" / "usecases" / "sorting_cell.yaml")
    assert usecase.cell is not None
    slower = usecase.cell.limits.model_copy(update={"speed_max_mps": 0.123})
    cell = usecase.cell.model_copy(update={"limits": slower})
    env = open_environment(task_of(usecase.model_copy(update={"cell": cell})))
    assert env.action_space.high[0] == pytest.approx(0.123)
    env.close()


@pytest.mark.parametrize(
    ("env_id", "package", "message"),
    [
        ("tests/Nowhere-v0", "point_cell", "Nowhere"),
        (ENV, "no_such_package", "cannot be imported"),
        ("CartPole-v1", "point_cell", "action space Discrete"),
        ("Pendulum-v1", "point_cell", "without observation_entries, action_entries, rate_hz, expert_action"),
    ],
)
def test_an_environment_that_does_not_fit_is_refused(
    point_cell: str, env_id: str, package: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        open_environment(Task(env_id, package))
