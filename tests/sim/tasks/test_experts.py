"""Claims about the scripted experts of the tasks."""

from __future__ import annotations

import gymnasium
import pytest

from trunnion_sim import PICK_AND_PLACE_ID, PUSH_ID, REACH_ID


@pytest.mark.parametrize(
    ("env_id", "episodes", "successes_min"),
    [(REACH_ID, 40, 40), (PUSH_ID, 60, 54), (PICK_AND_PLACE_ID, 60, 59)],
)
def test_the_expert_reaches_its_goal(env_id: str, episodes: int, successes_min: int) -> None:
    with gymnasium.make(env_id) as env:
        assert sum(_succeeds(env, seed) for seed in range(1000, 1000 + episodes)) >= successes_min


def _succeeds(env: gymnasium.Env, seed: int) -> bool:  # type: ignore[type-arg]
    observation, _ = env.reset(seed=seed)
    ended = False
    while not ended:
        action = env.unwrapped.expert_action(observation)  # type: ignore[attr-defined]
        observation, _, terminated, truncated, info = env.step(action)
        ended = terminated or truncated
    return bool(info["is_success"])
