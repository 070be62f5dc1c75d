from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import trunnion_sim
from trunnion_contract.errors import BadInput
from trunnion_sim import SORTING_CELL_ID
from trunnion_sim.layout import SORTING_CELL

Env = gymnasium.Env[Any, Any]


@pytest.fixture(scope="module")
def env() -> Iterator[Env]:
    env = gymnasium.make(trunnion_sim.SORTING_CELL_ID)
    yield env
    env.close()


def _play(env: Env, seed: int, push_mps: float = 0.0) -> tuple[bytes, dict[str, Any], int]:
    """The expert's episode, pushed about by noise on what is executed; every observation as bytes."""
    observation, info = env.reset(seed=seed)
    rng, seen, ended, steps = np.random.default_rng(seed), observation.tobytes(), False, 0
    low, high = env.action_space.low, env.action_space.high  # type: ignore[attr-defined]
    while not ended:
        action = env.unwrapped.expert_action(observation)  # type: ignore[attr-defined]
        pushed = action + rng.normal(size=4) * (push_mps, push_mps, push_mps, 0)
        observation, _, terminated, truncated, info = env.step(np.clip(pushed, low, high).astype(np.float32))
        seen, ended, steps = seen + observation.tobytes(), terminated or truncated, steps + 1
    return seen, info, steps


def _play_elsewhere(seed: int) -> bytes:
    env = gymnasium.make(trunnion_sim.SORTING_CELL_ID)
    return _play(env, seed)[0]


@pytest.mark.parametrize("reward_type", ["sparse", "dense"])
def test_gymnasiums_own_checker_is_content(reward_type: str) -> None:
    env = gymnasium.make(trunnion_sim.SORTING_CELL_ID, reward_type=reward_type, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_registering_again_changes_nothing() -> None:
    before = dict(gymnasium.registry)
    trunnion_sim.register_envs()
    assert gymnasium.registry == before


def test_the_same_seed_gives_the_same_bytes_in_a_used_environment_and_in_another_process(env: Env) -> None:
    seeds = (1, 2, 3)
    first = [_play(env, seed)[0] for seed in seeds]
    assert [_play(env, seed)[0] for seed in reversed(seeds)] == first[::-1]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_play_elsewhere, seeds) == first


def test_an_unseeded_reset_goes_on_in_the_seeds_sequence(env: Env) -> None:
    def two_resets() -> list[bytes]:
        return [env.reset(seed=5)[0].tobytes(), env.reset()[0].tobytes()]

    once = two_resets()
    assert two_resets() == once
    assert once[0] != once[1]


def test_the_expert_sorts_every_part_within_the_limits(env: Env) -> None:
    played = [_play(env, seed) for seed in range(1000, 1030)]
    assert sum(info["is_success"] for _, info, _ in played) >= 29
    assert sum(info["limit_violations"] for _, info, _ in played) == 0
    assert 30 <= np.median([steps for _, _, steps in played]) <= 100


def test_the_expert_recovers_from_pushes(env: Env) -> None:
    assert sum(_play(env, seed, push_mps=0.06)[1]["is_success"] for seed in range(16)) >= 13


def test_options_choose_part_bin_and_start(env: Env) -> None:
    observation, info = env.reset(
        seed=0, options={"label": "bolt", "bin": "B", "gripper_base_m": (0.45, 0.1, 0.2)}
    )
    assert info["label"] == "bolt"
    assert info["bin"] == "B"
    assert observation[0:3] == pytest.approx([0.45, 0.1, 0.2], abs=1e-4)
    assert observation[8:11] == pytest.approx(SORTING_CELL.bins["B"].drop_base_m)


def test_the_target_is_seen_a_few_millimetres_from_where_it_is() -> None:
    exact = gymnasium.make(trunnion_sim.SORTING_CELL_ID, target_noise_m=0.0, friction=0.8)
    noisy = gymnasium.make(trunnion_sim.SORTING_CELL_ID, target_noise_m=0.004, friction=0.8)
    offsets = [noisy.reset(seed=n)[0][5:8] - exact.reset(seed=n)[0][5:8] for n in range(12)]
    assert 0.001 < np.abs(offsets).max() <= 0.0041
    exact.close()
    noisy.close()


def test_entries_describe_the_vectors(env: Env) -> None:
    unwrapped: Any = env.unwrapped
    assert [(entry.name, entry.size) for entry in unwrapped.observation_entries] == [
        ("gripper_base_m", 3), ("opening_m", 1), ("grasped", 1), ("target_base_m", 3), ("place_base_m", 3),
    ]  # fmt: skip
    assert [entry.name for entry in unwrapped.action_entries] == ["velocity_base_mps", "opening_m"]
    assert unwrapped.rate_hz == 20


def test_actions_beyond_the_limits_are_held_back(env: Env) -> None:
    env.reset(seed=0, options={"gripper_base_m": (0.5, 0.0, 0.2)})
    for _ in range(40):
        _, _, _, _, info = env.step(np.array([0.0, 0.0, -0.6, 0.08], np.float32))
    assert info["limit_violations"] == 0
    assert info["interventions"] > 0


def test_what_the_camera_sees_is_rgb() -> None:
    env = gymnasium.make(trunnion_sim.SORTING_CELL_ID, render_mode="rgb_array")
    env.reset(seed=0)
    picture: Any = env.render()
    assert picture.shape == (240, 320, 3)
    orange = picture[:, 250:310].reshape(-1, 3).mean(axis=0)
    assert orange[0] > orange[2], "the right bin is orange: red before blue"
    env.close()


def test_gymnasiums_own_checker_is_content_with_pictures_too() -> None:
    with warnings.catch_warnings(), gymnasium.make(SORTING_CELL_ID, observation_type="pixels") as env:
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_who_looks_at_pictures_is_not_told_where_the_target_is_and_plays_the_same_episode(env: Env) -> None:
    with gymnasium.make(SORTING_CELL_ID, observation_type="pixels") as seeing:
        expected, (observation, _) = env.reset(seed=4)[0], seeing.reset(seed=4)
        names = [entry.name for entry in seeing.unwrapped.observation_entries]  # type: ignore[attr-defined]
        assert names == ["gripper_base_m", "opening_m", "grasped", "place_base_m"]
        for _ in range(3):
            assert observation["pixels"].shape == (240, 320, 3)
            assert observation["observation"].tolist() == np.delete(expected, [5, 6, 7]).tolist()
            action = env.unwrapped.expert_action(expected)  # type: ignore[attr-defined]
            assert seeing.unwrapped.expert_action(observation).tolist() == action.tolist()  # type: ignore[attr-defined]
            expected, observation = env.step(action)[0], seeing.step(action)[0]


def test_another_observation_type_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadInput, match="got 'images', wanted state or pixels"):
        gymnasium.make(SORTING_CELL_ID, observation_type="images")


def test_another_reward_type_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadInput, match="reward_type: got 'shaped', wanted sparse or dense"):
        gymnasium.make(SORTING_CELL_ID, reward_type="shaped")


def test_the_dense_reward_rises_as_the_expert_works_in_an_episode_that_is_otherwise_the_same(
    env: Env,
) -> None:
    with gymnasium.make(SORTING_CELL_ID, reward_type="dense") as dense:
        observation, _ = env.reset(seed=6)
        assert dense.reset(seed=6)[0].tobytes() == observation.tobytes()
        rewards, ended = [], False
        while not ended:
            action = env.unwrapped.expert_action(observation)  # type: ignore[attr-defined]
            observation, sparse, ended, _, info = env.step(action)
            seen, reward, *_ = dense.step(action)
            assert seen.tobytes() == observation.tobytes()
            rewards.append(reward)
    assert info["is_success"]
    assert (sparse, rewards.pop()) == (1.0, 0.0)
    approach, lift, carry = (np.mean(third) for third in np.array_split(rewards, 3))
    assert approach < lift < carry < 0


def test_the_dense_reward_counts_the_metres_of_the_part_and_of_a_hand_that_does_not_have_it() -> None:
    hand_m = (0.45, 0.1, 0.2)
    with gymnasium.make(SORTING_CELL_ID, reward_type="dense", target_noise_m=0.0) as env:
        env.reset(seed=0, options={"bin": "B", "gripper_base_m": hand_m})
        _, reward, *_ = env.step(np.array([0.0, 0.0, 0.0, 0.08], np.float32))
        part_m = env.unwrapped.bodies()[0][:3]  # type: ignore[attr-defined]
    left_m = np.linalg.norm(part_m - SORTING_CELL.bins["B"].drop_base_m) + np.linalg.norm(part_m - hand_m)
    assert reward == pytest.approx(-left_m, abs=2e-3)
