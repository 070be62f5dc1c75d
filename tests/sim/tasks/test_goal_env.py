"""Claims about what the goal-conditioned tasks share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from trunnion_contract.errors import BadInput
from trunnion_edge.goal_observation import as_vector
from trunnion_sim import PICK_AND_PLACE_ID, PUSH_ID, REACH_ID

TASKS = (REACH_ID, PUSH_ID, PICK_AND_PLACE_ID)
Env = gymnasium.Env[Any, Any]


@pytest.fixture(params=TASKS)
def env(request: pytest.FixtureRequest) -> Iterator[Env]:
    with gymnasium.make(request.param) as made:
        yield made


@pytest.mark.parametrize("observation_type", ["state", "pixels"])
@pytest.mark.parametrize("env_id", TASKS)
def test_gymnasium_finds_nothing_wrong(env_id: str, observation_type: str) -> None:
    with (
        warnings.catch_warnings(),
        gymnasium.make(env_id, observation_type=observation_type, render_mode="rgb_array") as made,
    ):
        warnings.simplefilter("error")
        check_env(made.unwrapped)


@pytest.mark.parametrize(("env_id", "numbers"), [(REACH_ID, 6), (PUSH_ID, 18), (PICK_AND_PLACE_ID, 19)])
def test_the_entries_describe_the_flattened_observation(env_id: str, numbers: int) -> None:
    with gymnasium.make(env_id) as env:
        observation, _ = env.reset(seed=0)
        vector = as_vector(observation)
        entries = env.unwrapped.observation_entries  # type: ignore[attr-defined]
        assert len(observation["observation"]) == numbers
        assert sum(entry.size for entry in entries) == len(vector) == numbers + 3
        assert entries[0].name == "hand_table_m"
        assert entries[-1].name == "goal_table_m"
        assert vector[-3:].tolist() == observation["desired_goal"].tolist()
        assert all(entry.unit in {"m", "m/s", "rad", "rad/s"} for entry in entries)


def test_goals_and_cubes_lie_where_the_task_says(env: Env) -> None:
    task = env.unwrapped.task  # type: ignore[attr-defined]
    drawn = [env.reset(seed=seed)[0] for seed in range(40)]
    goals = np.array([one["desired_goal"] for one in drawn])
    assert (goals >= np.float32(task.goal_low_m)).all()
    assert (goals <= np.float32(task.goal_high_m)).all()
    assert np.ptp(goals[:, :2], axis=0).min() > 0.2, "goals are spread out"
    if task.cube:
        cubes = np.array([one["achieved_goal"] for one in drawn])
        assert np.abs(cubes[:, :2]).max() <= 0.15
        assert cubes[:, 2] == pytest.approx(0.02, abs=1e-6)


def test_three_goals_of_ten_to_place_at_are_on_the_table() -> None:
    with gymnasium.make(PICK_AND_PLACE_ID) as env:
        heights = np.array([env.reset(seed=seed)[0]["desired_goal"][2] for seed in range(200)])
    assert 0.2 < (heights < 0.0201).mean() < 0.4


@pytest.mark.parametrize("reward_type", ["sparse", "dense"])
def test_rewards_of_many_goals_are_those_of_each(reward_type: str) -> None:
    rng = np.random.default_rng(0)
    achieved, desired = rng.uniform(-0.1, 0.1, (2, 50, 3)).astype(np.float32)
    with gymnasium.make(REACH_ID, reward_type=reward_type) as env:
        reward = env.unwrapped.compute_reward  # type: ignore[attr-defined]
        together = reward(achieved, desired, {})
        each = [reward(one, other, {}) for one, other in zip(achieved, desired, strict=True)]
    assert together.dtype == np.float32
    assert together.shape == (50,)
    assert together.tolist() == [float(one) for one in each]


def test_the_sparse_reward_is_nothing_within_five_centimetres_and_minus_one_elsewhere() -> None:
    with gymnasium.make(REACH_ID) as env:
        distances_m = np.array([[0, 0, 0.0], [0, 0, 0.049], [0, 0, 0.051], [1, 1, 1]], np.float32)
        rewards = env.unwrapped.compute_reward(distances_m, np.zeros_like(distances_m), {})  # type: ignore[attr-defined]
    assert rewards.tolist() == [0, 0, -1, -1]


def test_the_dense_reward_is_minus_the_distance() -> None:
    with gymnasium.make(REACH_ID, reward_type="dense") as env:
        reward = env.unwrapped.compute_reward(np.array([0.3, 0.0, 0.4]), np.zeros(3), {})  # type: ignore[attr-defined]
    assert reward == pytest.approx(-0.5)


def test_a_step_rewards_what_its_observation_shows(env: Env) -> None:
    observation, _ = env.reset(seed=3)
    for _ in range(10):
        observation, reward, terminated, _, info = env.step(env.unwrapped.expert_action(observation))  # type: ignore[attr-defined]
        shown = env.unwrapped.compute_reward(  # type: ignore[attr-defined]
            observation["achieved_goal"], observation["desired_goal"], info
        )
        assert reward == shown
        assert terminated == info["is_success"] == (reward == 0)
        if terminated:
            break


def test_an_episode_without_success_is_cut_off_after_fifty_steps(env: Env) -> None:
    env.reset(seed=1)
    ends = [env.step(np.zeros(env.action_space.shape, np.float32))[2:4] for _ in range(50)]  # type: ignore[arg-type]
    assert ends == [(False, False)] * 49 + [(False, True)]


def test_who_looks_at_pictures_plays_the_same_episode(env: Env) -> None:
    assert env.spec is not None
    with gymnasium.make(env.spec.id, observation_type="pixels", image_size_px=32) as seeing:
        expected, (observation, _) = env.reset(seed=5)[0], seeing.reset(seed=5)
        for _ in range(5):
            action = env.unwrapped.expert_action(expected)  # type: ignore[attr-defined]
            assert seeing.unwrapped.expert_action(observation).tolist() == action.tolist()  # type: ignore[attr-defined]
            expected, observation = env.step(action)[0], seeing.step(action)[0]
            own = len(observation["observation"])
            assert observation["observation"].tolist() == expected["observation"][:own].tolist()
            assert observation["achieved_goal"].tolist() == expected["achieved_goal"].tolist()


def test_pictures_show_the_cube_and_the_goal() -> None:
    with gymnasium.make(PUSH_ID, observation_type="pixels") as env:
        picture = env.reset(seed=2)[0]["pixels"].astype(int)
    assert picture.shape == (84, 84, 3)
    red, green, blue = picture[:, :, 0], picture[:, :, 1], picture[:, :, 2]
    assert ((red > 2 * green) & (red > 2 * blue)).sum() > 10, "the cube is red"
    assert ((green > 2 * red) & (green > 2 * blue)).sum() > 5, "the goal is green"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"reward_type": "shaped"}, "reward_type: got 'shaped', wanted sparse or dense"),
        ({"observation_type": "images"}, "observation_type: got 'images', wanted state or pixels"),
        ({"observation_type": "pixels", "image_size_px": 0}, "image_size_px: got 0, wanted 16 to 2048"),
    ],
)
def test_what_is_not_offered_is_refused_with_what_is(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        gymnasium.make(REACH_ID, **settings)


@pytest.mark.parametrize("action", [[0.0, 0.0], [0.0, np.nan, 0.0]])
def test_an_action_that_is_none_is_refused_and_moves_nothing(action: list[float]) -> None:
    with gymnasium.make(REACH_ID) as made:
        env = made.unwrapped
        before = env.reset(seed=0)[0]["observation"]
        with pytest.raises(BadInput, match="action"):
            env.step(np.array(action, np.float32))
        after = env.step(np.zeros(3, np.float32))[0]["observation"]
    assert np.abs(after[:3] - before[:3]).max() < 1e-3
