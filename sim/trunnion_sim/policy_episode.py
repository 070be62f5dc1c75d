"""One episode of the policy alone: the exported network in its Gymnasium environment, without detector or executive."""

from __future__ import annotations

import hashlib
from typing import Any

import gymnasium
import numpy as np

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import PolicySpec
from trunnion_edge.goal_observation import PARTS, as_vector
from trunnion_edge.policy import Policy
from trunnion_sim.episode import EpisodeResult


def play_policy(
    env: gymnasium.Env[Any, Any], policy: Policy, seed: int, measures_violations: bool = False
) -> EpisodeResult:
    """Play the environment's episode of `seed`; success is `info["is_success"]` at its end.

    Args:
        measures_violations: whether the environment has to, as one of an arm in a cell has; one that says nothing of
            `info["limit_violations"]` counts as without any otherwise.

    Raises:
        BadInput: the environment has to measure violations of the limits and does not.
    """
    policy.forget()
    observation, info = env.reset(seed=seed)
    trajectory, steps, ended = hashlib.sha256(), 0, False
    while not ended:
        action = _vector(policy.act(_entries(as_vector(observation), policy.spec)), policy.spec)
        observation, _, terminated, truncated, info = env.step(action)
        trajectory.update(np.concatenate([action, as_vector(observation)]).astype(np.float32).tobytes())
        steps, ended = steps + 1, terminated or truncated
    if measures_violations and "limit_violations" not in info:
        raise BadInput(
            where="the policy's environment",
            got=f"an info without limit_violations: {', '.join(sorted(info)) or 'nothing'}",
            wanted="the excursions out of the limits of the use case's cell, counted",
            next_step='count them with trunnion_edge.violations.ViolationMeter, in info["limit_violations"]',
        )
    success = bool(info.get("is_success", False))
    return EpisodeResult(
        success=success,
        reason="" if success else "not there in time" if truncated else "ended without success",
        time_s=round(steps / policy.spec.rate_hz, 3),
        limit_violations=int(info.get("limit_violations", 0)),
        interventions=int(info.get("interventions", 0)),
        trajectory_sha256=trajectory.hexdigest(),
    )


def check_spaces(env: gymnasium.Env[Any, Any], spec: PolicySpec) -> None:
    """Refuse an environment that the policy does not fit.

    Raises:
        BadInput: the sizes of observation or action differ.
    """
    for name, space, entries in (
        ("observation", env.observation_space, spec.observation),
        ("action", env.action_space, spec.action),
    ):
        wanted = (sum(entry.size for entry in entries),)
        shape = _vector_shape(space)
        if shape != wanted:
            raise BadInput(
                where=f"the {name} of the policy",
                got=f"{list(wanted)} in the manifest",
                wanted=f"{list(shape)} as the environment has it",
                next_step="train and export the policy in this environment",
            )


def _vector_shape(space: gymnasium.Space[Any]) -> tuple[int, ...]:
    """The shape of the vector that `as_vector` makes of an observation."""
    if isinstance(space, gymnasium.spaces.Dict):
        return (sum(int(np.prod(space[part].shape or ())) for part in PARTS if part in space.spaces),)
    return space.shape or ()


def _entries(observation: np.ndarray, spec: PolicySpec) -> dict[str, np.ndarray]:
    entries, start = {}, 0
    for entry in spec.observation:
        entries[entry.name] = observation[start : start + entry.size]
        start += entry.size
    return entries


def _vector(action: dict[str, np.ndarray], spec: PolicySpec) -> np.ndarray:
    return np.concatenate([action[entry.name] for entry in spec.action])
