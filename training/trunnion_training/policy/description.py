"""What a policy takes and gives in an environment: its own entries where it names them, else those of its spaces."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, cast

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Space
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry, PolicySpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.goal_observation import PARTS, as_vector, image_of
from trunnion_training.policy.network import IMAGE, INPUT, OUTPUT

Array = NDArray[np.float32]
# Random episodes that show how far an observation without bounds reaches, and how much farther it may.
_EPISODES, _STEPS_MAX, _MARGIN = 3, 100, 2.0


@dataclass(frozen=True)
class Description:
    """The entries of the vectors that go in and out, in order, how often, and the image [h, w, 3] if any."""

    observation_entries: tuple[Entry, ...]
    action_entries: tuple[Entry, ...]
    rate_hz: float
    image: tuple[int, ...] | None = None


class Expert(Protocol):
    """The environment itself, under its wrappers, with an expert that has no memory."""

    def expert_action(self, observation: Any) -> Array:
        """What the expert does here: float32 [action]; also in states that it would not have reached itself."""


def expert_of(env: gymnasium.Env[Any, Any]) -> Expert:
    """The expert of an environment.

    Raises:
        BadInput: it has none.
    """
    if not hasattr(env.unwrapped, "expert_action"):
        raise unfit(
            env,
            "an environment without expert_action",
            "an expert to imitate: expert_action(observation) on the environment",
            "add one, or choose method sac or ppo, which need none",
        )
    return cast(Expert, env.unwrapped)


def described(env: gymnasium.Env[Any, Any]) -> Description:
    """Entries and rate: those that the environment names itself, else what its spaces and metadata say.

    Raises:
        BadInput: it names no rate, or its entries do not have the sizes of its spaces.
    """
    bare = env.unwrapped
    observation = getattr(bare, "observation_entries", None) or _observation_entries(env)
    action = getattr(bare, "action_entries", None) or _entries("action", *_bounds(env.action_space))
    rate_hz = getattr(bare, "rate_hz", None) or env.metadata.get("render_fps")
    if not rate_hz:
        raise unfit(
            env,
            "an environment without a rate",
            "how often a policy acts, in Hz",
            'add the attribute rate_hz, or metadata["render_fps"]',
        )
    for name, entries, space in (
        ("observation_entries", observation, env.observation_space),
        ("action_entries", action, env.action_space),
    ):
        size, wanted = sum(entry.size for entry in entries), len(_bounds(space)[0])
        if size != wanted:
            raise unfit(env, f"{name} of {size} numbers", f"{wanted}, as the space has them")
    image = image_of(getattr(env.observation_space, "spaces", None))
    return Description(tuple(observation), tuple(action), float(rate_hz), image.shape if image else None)


def policy_spec(description: Description) -> PolicySpec:
    """What a policy takes and gives there, one action at a time."""
    sizes = [
        sum(entry.size for entry in entries)
        for entries in (description.observation_entries, description.action_entries)
    ]
    return PolicySpec(
        input=TensorSpec(name=INPUT, dtype="float32", shape=("N", sizes[0])),
        output=TensorSpec(name=OUTPUT, dtype="float32", shape=("N", sizes[1])),
        observation=description.observation_entries,
        action=description.action_entries,
        rate_hz=description.rate_hz,
        image=TensorSpec(name=IMAGE, dtype="uint8", shape=("N", *description.image))
        if description.image
        else None,
    )


def ranges(entries: tuple[Entry, ...]) -> tuple[Array, Array]:
    """The lowest and highest values of a vector made of `entries`."""
    low = np.concatenate([np.full(entry.size, entry.low, np.float32) for entry in entries])
    high = np.concatenate([np.full(entry.size, entry.high, np.float32) for entry in entries])
    return low, high


def is_goal_space(space: Space[Any]) -> bool:
    """Whether observations are those of a goal-conditioned environment, as Gymnasium-Robotics defines them."""
    return isinstance(space, Dict) and {*PARTS, "achieved_goal"} <= set(space.spaces)


def unfit(
    env: gymnasium.Env[Any, Any] | str, got: str, wanted: str, next_step: str = "correct the environment"
) -> BadInput:
    """What to raise for an environment that a policy cannot be learnt in."""
    env_id = env if isinstance(env, str) else env.spec.id if env.spec else type(env.unwrapped).__name__
    return BadInput(where=f"models.policy.env {env_id}", got=got, wanted=wanted, next_step=next_step)


def _observation_entries(env: gymnasium.Env[Any, Any]) -> tuple[Entry, ...]:
    low, high = _bounds(env.observation_space)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        reach = np.maximum(_MARGIN * np.abs(random_observations(env, _EPISODES)).max(axis=0), 1.0)
        low, high = np.where(np.isfinite(low), low, -reach), np.where(np.isfinite(high), high, reach)
    if not is_goal_space(env.observation_space):
        return _entries("observation", low, high)
    first = len(_bounds(env.observation_space[PARTS[0]])[0])
    parts = (slice(first), slice(first, None))
    named = (_entries(name, low[part], high[part]) for name, part in zip(PARTS, parts, strict=True))
    return tuple(entry for entries in named for entry in entries)


def random_observations(env: gymnasium.Env[Any, Any], episodes: int, seed: int = 0) -> Array:
    """Observations of random actions, float32 [N, observation]."""
    env.action_space.seed(seed)
    rows = []
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed + episode)
        rows.append(as_vector(observation))
        for _ in range(_STEPS_MAX):
            observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
            rows.append(as_vector(observation))
            if terminated or truncated:
                break
    return np.stack(rows)


def _bounds(space: Space[Any]) -> tuple[Array, Array]:
    """Lowest and highest values of a Box, or of the vector that a goal observation becomes."""
    if isinstance(space, Dict):
        parts = [_bounds(space[name]) for name in PARTS if name in space.spaces]
        return np.concatenate([low for low, _ in parts]), np.concatenate([high for _, high in parts])
    assert isinstance(space, Box), "open_environment has checked it"
    return space.low.astype(np.float32), space.high.astype(np.float32)


def _entries(name: str, low: Array, high: Array) -> tuple[Entry, ...]:
    """One entry for each run of columns with the same bounds; unit 1, because a space says nothing of units."""
    changes = [i for i in range(1, len(low)) if low[i] != low[i - 1] or high[i] != high[i - 1]]
    edges = [0, *changes, len(low)]
    return tuple(
        Entry(
            name=name if len(edges) == 2 else f"{name}_{a}",
            size=b - a,
            unit="1",
            low=float(low[a]),
            high=float(high[a]),
        )
        for a, b in pairwise(edges)
    )
