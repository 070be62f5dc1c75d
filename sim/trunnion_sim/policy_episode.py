"""One episode of the policy alone: the exported network in its Gymnasium environment, without detector or executive."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import gymnasium
import numpy as np

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry, PolicySpec
from trunnion_edge.goal_observation import PARTS, as_vector, given_to_policy, image_of
from trunnion_edge.policy import NotFinite, Policy
from trunnion_sim.drawing import Image
from trunnion_sim.episode import EpisodeResult, rounded
from trunnion_sim.gates import POLICY_ALONE
from trunnion_sim.moment import Moment, Watch
from trunnion_sim.trajectory import bodies

RENDER_MODE = "rgb_array"


def play_policy(
    env: gymnasium.Env[Any, Any],
    policy: Policy,
    seed: int,
    measures_violations: bool = False,
    watch: Watch | None = None,
) -> EpisodeResult:
    """Play the environment's episode of `seed`; success is `info["is_success"]` at its end.

    Args:
        measures_violations: whether the environment has to, as one of an arm in a cell has; of one that says nothing
            of `info["limit_violations"]` they are None otherwise.
        watch: called once a period, before anything moves; there are pictures where the render mode is "rgb_array".

    Raises:
        BadInput: an observation, an action or a reward is not finite, or the environment has to measure violations of
            the limits and does not.
    """
    policy.forget()
    observation, info = env.reset(seed=seed)
    trajectory, steps, ended = hashlib.sha256(), 0, False
    _check_finite(observation, 0.0, seed, steps)
    while not ended:
        action = _act(policy, observation, seed, steps)
        if watch:
            watch(_moment(env, policy.spec, steps / policy.spec.rate_hz, as_vector(observation), action))
        observation, reward, terminated, truncated, info = env.step(action)
        trajectory.update(np.concatenate([action, as_vector(observation)]).astype(np.float32).tobytes())
        trajectory.update(bodies(env).tobytes())
        steps, ended = steps + 1, terminated or truncated
        _check_finite(observation, float(reward), seed, steps)
    if measures_violations and "limit_violations" not in info:
        raise BadInput(
            where="the policy's environment",
            got=f"an info without limit_violations: {', '.join(sorted(info)) or 'nothing'}",
            wanted="the excursions out of the limits of the use case's cell, counted",
            next_step='count them with trunnion_edge.violations.ViolationMeter, in info["limit_violations"]',
        )
    success, violations = bool(info.get("is_success", False)), info.get("limit_violations")
    return EpisodeResult(
        success=success,
        reason="" if success else "not there in time" if truncated else "ended without success",
        time_s=round(steps / policy.spec.rate_hz, 3),
        limit_violations=None if violations is None else int(violations),
        interventions=int(info.get("interventions", 0)),
        trajectory_sha256=trajectory.hexdigest(),
    )


def check_spaces(env: gymnasium.Env[Any, Any], spec: PolicySpec) -> None:
    """Refuse an environment that the policy does not fit.

    Raises:
        BadInput: the sizes of observation or action differ, or the entries that the environment names.
    """
    for name, space, entries in (
        ("observation", env.observation_space, spec.observation),
        ("action", env.action_space, spec.action),
    ):
        wanted = (sum(entry.size for entry in entries),)
        shape = _vector_shape(space)
        if shape != wanted:
            raise _unfit(name, f"{list(wanted)}", f"{list(shape)}")
        named = getattr(env.unwrapped, f"{name}_entries", None)
        if named and _in_words(named) != _in_words(entries):
            raise _unfit(name, _in_words(entries), _in_words(named))
    if spec.image:
        seen = image_of(getattr(env.observation_space, "spaces", None))
        if seen is None or seen.shape != spec.image.shape[1:]:
            raise _unfit(
                "image",
                f"{list(spec.image.shape[1:])}",
                f"{list(seen.shape) if seen is not None else 'none'}",
            )


def _unfit(name: str, got: str, wanted: str) -> BadInput:
    return BadInput(
        where=f"the {name} of the policy",
        got=f"{got} in the manifest",
        wanted=f"{wanted} as the environment has it",
        next_step="train and export the policy in this environment",
    )


def _in_words(entries: tuple[Entry, ...]) -> str:
    """What lies where in the vector, and in which unit; ranges follow from the cell."""
    return ", ".join(f"{entry.name} [{entry.size}] {entry.unit}" for entry in entries)


def _vector_shape(space: gymnasium.Space[Any]) -> tuple[int, ...]:
    """The shape of the vector that `as_vector` makes of an observation."""
    if isinstance(space, gymnasium.spaces.Dict):
        return (sum(int(np.prod(space[part].shape or ())) for part in PARTS if part in space.spaces),)
    return space.shape or ()


def _check_finite(observation: Any, reward: float, seed: int, step: int) -> None:
    """What is not finite would go on into everything after it, and a proof of that would say nothing."""
    for name, values in (("observation", as_vector(observation)), ("reward", np.array(reward))):
        if not np.isfinite(values).all():
            raise _not_finite(name, str(values.tolist()), "the environment", seed, step)


def _act(policy: Policy, observation: Any, seed: int, step: int) -> np.ndarray:
    """The policy's action as a vector, float32."""
    try:
        action = policy.act(given_to_policy(policy.spec, as_vector(observation), image_of(observation)))
    except NotFinite as error:
        raise _not_finite("action", error.got, "the policy", seed, step) from None
    return np.concatenate([action[entry.name] for entry in policy.spec.action])


def _by_name(vector: np.ndarray, entries: tuple[Entry, ...]) -> dict[str, np.ndarray]:
    ends = np.cumsum([entry.size for entry in entries])[:-1]
    return {entry.name: part for entry, part in zip(entries, np.split(vector, ends), strict=True)}


def _moment(
    env: gymnasium.Env[Any, Any], spec: PolicySpec, now_s: float, observation: np.ndarray, action: np.ndarray
) -> Moment:
    return Moment(now_s, "", "", partial(_state, spec, now_s, observation, action), partial(_picture, env))


def _state(spec: PolicySpec, now_s: float, observation: np.ndarray, action: np.ndarray) -> dict[str, object]:
    """Time, what the policy sees and what it does on it, by the names of its entries."""
    seen, done = _by_name(observation, spec.observation), _by_name(action, spec.action)
    return {
        "t_s": round(now_s, 3),
        "observation": {name: rounded(values) for name, values in seen.items()},
        "action": {name: rounded(values) for name, values in done.items()},
    }


def _picture(env: gymnasium.Env[Any, Any]) -> Image | None:
    picture: Any = env.render() if env.render_mode == RENDER_MODE else None
    return None if picture is None else np.ascontiguousarray(picture[:, :, ::-1], np.uint8)


def _not_finite(name: str, got: str, made_by: str, seed: int, step: int) -> BadInput:
    return BadInput(
        where=f"{POLICY_ALONE}, seed {seed}, step {step}: {name}",
        got=got,
        wanted="finite numbers",
        next_step=f"find out what made them in {made_by}",
    )
