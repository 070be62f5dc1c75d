"""An episode as one number: the digest of everything that was seen, done and moved, for claims about the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

Environment = gym.Env[Any, np.ndarray]


class Trajectory:
    """A digest that grows with an episode; names, types and shapes count as well as values."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, name: str, values: Any) -> None:
        """What was seen or done next: an array, a number, or a mapping of those."""
        if isinstance(values, Mapping):
            for key in sorted(values):
                self.add(f"{name}.{key}", values[key])
            return
        array = np.asarray(values)
        self._digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        self._digest.update(array.tobytes())

    def hexdigest(self) -> str:
        """SHA-256 so far."""
        return self._digest.hexdigest()


def played(env: Environment, seed: int, *, rough: bool = False) -> str:
    """Play one episode and give its digest; what an environment's `bodies()` tells counts beside what it shows.

    Args:
        rough: act at random instead of as the expert does, which knocks things about.
    """
    trajectory, rng = Trajectory(), np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    trajectory.add("observation", observation)
    ended = False
    while not ended:
        action = _random(env, rng) if rough else env.unwrapped.expert_action(observation)  # type: ignore[attr-defined]
        observation, reward, terminated, truncated, _ = env.step(action)
        for name, values in (("action", action), ("observation", observation), ("reward", reward)):
            trajectory.add(name, values)
        trajectory.add("bodies", bodies(env))
        ended = terminated or truncated
    return trajectory.hexdigest()


def bodies(env: gym.Env[Any, Any]) -> np.ndarray:
    """Where things are that an environment does not show, if it tells; float64."""
    tell = getattr(env.unwrapped, "bodies", None)
    return np.asarray(tell() if tell else (), np.float64)


def differing_replays(env_id: str, seeds: Sequence[int], rounds: int, **settings: Any) -> int:
    """How many of `rounds` replays of every seed in one used environment differ from the episode in a fresh one.

    Every other seed is played roughly, and the order changes from round to round, so that each episode comes after
    different ones.
    """
    expected = {}
    for seed in seeds:
        with gym.make(env_id, **settings) as fresh:
            expected[seed] = played(fresh, seed, rough=_roughly(seed))
    rng = np.random.default_rng(0)
    with gym.make(env_id, **settings) as used:
        order = [int(seed) for _ in range(rounds) for seed in rng.permutation(list(seeds))]
        return sum(played(used, seed, rough=_roughly(seed)) != expected[seed] for seed in order)


def _roughly(seed: int) -> bool:
    return seed % 2 == 1


def _random(env: Environment, rng: np.random.Generator) -> np.ndarray:
    space = env.action_space
    assert isinstance(space, gym.spaces.Box)
    return rng.uniform(space.low, space.high).astype(np.float32)
