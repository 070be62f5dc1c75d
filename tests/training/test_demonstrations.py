"""Demonstrations: clean labels, disturbed execution, kept one by one."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_training.policy import demonstrations
from trunnion_training.policy.demonstrations import demonstrate, play
from trunnion_training.policy.description import described, expert_of, ranges
from trunnion_training.policy.environment import Task, open_environment

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
    expert = expert_of(env).expert_action
    np.testing.assert_array_equal(episode.actions, [expert(row) for row in episode.observations])


def test_execution_is_disturbed_within_the_range_of_actions(
    env: gymnasium.Env[np.ndarray, np.ndarray],
) -> None:
    executed: list[np.ndarray] = []
    step = env.step
    env.step = lambda action: executed.append(action) or step(action)  # type: ignore[func-returns-value,method-assign]
    episode, _ = play(env, seed=5)
    low, high = ranges(described(env).action_entries)
    assert all(((action >= low) & (action <= high)).all() for action in executed)
    assert np.abs(np.array(executed) - episode.actions).max() > 0.01


@pytest.mark.parametrize("disturbance", [0.0, 0.25])
def test_less_disturbance_executes_what_is_nearer_to_the_experts_answers(
    env: gymnasium.Env[np.ndarray, np.ndarray], disturbance: float
) -> None:
    executed: list[np.ndarray] = []
    step = env.step
    env.step = lambda action: executed.append(action) or step(action)  # type: ignore[func-returns-value,method-assign]
    episode, _ = play(env, 5, disturbance)
    away = np.abs(np.array(executed) - episode.actions).max(axis=0) / np.array([1, 1, 0.04])
    # A push of at most 0.8 of half a range; noise of 0.08 of it, five times its spread at most.
    assert away.max() <= disturbance * (0.8 + 5 * 0.08)
    assert bool(away.max() > 0) is (disturbance > 0)


def test_the_same_seed_gives_the_same_episode(env: gymnasium.Env[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(play(env, seed=5)[0].actions, play(env, seed=5)[0].actions)


def test_episodes_that_were_kept_are_not_played_again(
    point_cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = demonstrate(Task(ENV, point_cell), 12, 0, tmp_path, Silent())
    assert len(list(tmp_path.glob("*.npz"))) == first.played == 12
    monkeypatch.setattr(demonstrations, "worker_pool", None)  # nothing may be started
    progress = Counting()
    again = demonstrate(Task(ENV, point_cell), 12, 0, tmp_path, progress)
    assert progress.steps == [12]
    for a, b in zip(first.episodes, again.episodes, strict=True):
        np.testing.assert_array_equal(a.observations, b.observations)


def test_an_environment_without_an_expert_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="without expert_action"):
        demonstrate(Task("Pendulum-v1"), 2, 0, tmp_path, Silent())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((5, 9), np.float32), r"float32 \[5, 9\]"),
        (np.zeros(7, np.float32), r"float32 \[7\]"),
        (np.full((5, 7), np.nan, np.float32), "not all finite"),
        (None, "does not load"),
    ],
)
def test_a_demonstration_of_another_shape_is_refused(
    point_cell: str, tmp_path: Path, rows: np.ndarray | None, message: str
) -> None:
    file = tmp_path / "000000-success.npz"
    if rows is None:
        file.write_bytes(b"\x93NUMPY cut short")
    else:
        np.savez(file, rows=rows)
    with pytest.raises(BadInput, match=message):
        demonstrate(Task(ENV, point_cell), 1, 0, tmp_path, Silent())
