"""The replays of SAC: one of demonstrations, and all that was practised into tensors and back."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from trunnion_contract.policy_training import PolicyTraining
from trunnion_training.policy.demonstrations import Disturbances, demonstration_seed
from trunnion_training.policy.description import described, expert_of
from trunnion_training.policy.environment import Task, open_environment
from trunnion_training.policy.learner import rescaled

_COLUMNS = ("actions", "rewards", "dones", "timeouts", "ep_start", "ep_length")
_PLAIN = ("pos", "full")


def demonstrated_replay(
    model: OffPolicyAlgorithm, task: Task, settings: PolicyTraining
) -> ReplayBuffer | None:
    """Let the expert play its demonstrations once more, and keep what was executed and what came of it.

    None where there is a recording, which has no rewards.
    """
    if not settings.demonstrations:
        return None
    buffer: ReplayBuffer = copy.deepcopy(model.replay_buffer)  # type: ignore[assignment]
    if isinstance(buffer, HerReplayBuffer):
        buffer.set_env(model.env)  # a copy is without one
    bare = open_environment(task)
    env = rescaled(bare)
    low, high = bare.action_space.low, bare.action_space.high  # type: ignore[attr-defined]
    expert, entries = expert_of(env), described(bare).action_entries
    for index in range(settings.demonstrations):
        episode_seed = demonstration_seed(settings.seed, index)
        disturbances, over = Disturbances(entries, episode_seed, settings.disturbance), False
        observation, _ = env.reset(seed=episode_seed)
        while not over:
            executed = disturbances.applied_to(np.asarray(expert.expert_action(observation), np.float32))
            action = (2 * (executed - low) / (high - low) - 1).astype(np.float32)
            following, reward, terminated, truncated, info = env.step(action)
            over = terminated or truncated
            info = {**info, "TimeLimit.truncated": truncated and not terminated}
            # What ends an episode is known before what follows is overwritten by the next one's beginning.
            buffer.add(
                _row(observation), _row(following), action[None], np.array([reward]), np.array([over]), [info]
            )
            observation = following
    env.close()
    return buffer


def reward_of_the_end(buffer: ReplayBuffer | None) -> float | None:
    """The reward that the last steps of demonstrations have and no other step has; None where there is none such.

    Hindsight moves the goal of a step to where it led, gives it the reward of that, and does not know that an episode
    ends there.
    """
    if buffer is None:
        return None
    ends = (buffer.dones[: buffer.pos] * (1 - buffer.timeouts[: buffer.pos])).astype(bool)
    rewards = buffer.rewards[: buffer.pos]
    found = set(rewards[ends].tolist())
    return found.pop() if len(found) == 1 and not found & set(rewards[~ends].tolist()) else None


def replay_state(buffer: ReplayBuffer | None) -> dict[str, Any]:
    """What is in a buffer, as tensors; only as far as it is filled."""
    assert buffer is not None
    filled = buffer.buffer_size if buffer.full else buffer.pos
    columns = {name: getattr(buffer, name) for name in _COLUMNS if hasattr(buffer, name)}
    for name in ("observations", "next_observations"):
        columns |= _by_key(name, getattr(buffer, name))
    state: dict[str, Any] = {name: torch.from_numpy(rows[:filled].copy()) for name, rows in columns.items()}
    state |= {name: int(getattr(buffer, name)) for name in _PLAIN}
    if hasattr(buffer, "_current_ep_start"):
        state["_current_ep_start"] = torch.from_numpy(buffer._current_ep_start.copy())
    return state


def restore_replay(buffer: ReplayBuffer | None, state: dict[str, Any]) -> None:
    """Fill a buffer with what `replay_state` gave."""
    assert buffer is not None
    columns = {name: getattr(buffer, name) for name in _COLUMNS if hasattr(buffer, name)}
    for name in ("observations", "next_observations"):
        columns |= _by_key(name, getattr(buffer, name))
    for name, rows in columns.items():
        rows[:] = 0
        rows[: len(state[name])] = state[name].numpy()
    buffer.pos, buffer.full = state["pos"], bool(state["full"])
    if "_current_ep_start" in state:
        buffer._current_ep_start = state["_current_ep_start"].numpy().copy()  # type: ignore[attr-defined]


def _by_key(name: str, rows: Any) -> dict[str, Any]:
    if isinstance(rows, dict):
        return {f"{name} {key}": value for key, value in rows.items()}
    return {name: rows}


def _row(observation: Any) -> Any:
    if isinstance(observation, dict):
        return {key: np.asarray(value)[None] for key, value in observation.items()}
    return np.asarray(observation)[None]
