"""Parity of policies: the same actions on a thousand observations, and the same ends of whole episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.manifest import EpisodeParity, Parity, PolicySpec
from trunnion_contract.usecase import ParityLimits
from trunnion_edge.backends.engine import Engine
from trunnion_edge.goal_observation import given_to_policy
from trunnion_edge.policy import Policy
from trunnion_training.parity import STEP, Difference
from trunnion_training.policy.exportable import ExportablePolicy, as_played, one_thread
from trunnion_training.policy.playing import HELD_OUT_SEED, play_once

_RELATIVE_FLOOR_ACTION = 1e-3
POLICY_SAMPLES = 1000


def policy_parity(
    trained: ExportablePolicy,
    exported: Engine,
    held_out: NDArray[np.float32],
    limits: ParityLimits,
    held_out_images: NDArray[np.uint8] | None = None,
) -> Parity:
    """Compare actions, in their own units, on held-out observations filled up with random ones in their ranges."""
    observations = policy_observations(trained.spec, held_out)
    images = policy_images(trained.spec, held_out_images)
    with one_thread():
        wanted = _actions(as_played(trained), observations, images)
    got = _actions(Policy(exported, trained.spec), observations, images)
    difference = Difference.of(wanted, got, _RELATIVE_FLOOR_ACTION)
    return Parity(
        step=STEP,
        samples=len(observations),
        absolute=difference.absolute,
        absolute_max=limits.action_max,
        relative=difference.relative,
    )


def episode_parity(
    env: gymnasium.Env[Any, Any], trained: ExportablePolicy, exported: Engine, limits: ParityLimits
) -> EpisodeParity:
    """Let torch and ONNX play the same seeds, both through the robot's own code."""
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + limits.episodes)
    policies = as_played(trained), Policy(exported, trained.spec)
    with one_thread():
        in_torch, in_onnx = ([play_once(env, policy, seed).success for seed in seeds] for policy in policies)
    return EpisodeParity(
        episodes=limits.episodes,
        torch_successes=sum(in_torch),
        onnx_successes=sum(in_onnx),
        differing=sum(a != b for a, b in zip(in_torch, in_onnx, strict=True)),
        differing_max=limits.episodes_differing_max,
    )


def policy_observations(spec: PolicySpec, held_out: NDArray[np.float32]) -> NDArray[np.float32]:
    """1,000 observations: half of them held out where there are so many, the others anywhere in the ranges."""
    rng = np.random.default_rng(0)
    chosen = held_out[rng.permutation(len(held_out))[: POLICY_SAMPLES // 2]]
    low = np.concatenate([np.full(entry.size, entry.low) for entry in spec.observation])
    high = np.concatenate([np.full(entry.size, entry.high) for entry in spec.observation])
    anywhere = rng.uniform(low, high, (POLICY_SAMPLES - len(chosen), len(low)))
    return np.concatenate([chosen, anywhere]).astype(np.float32)


def policy_images(spec: PolicySpec, held_out: NDArray[np.uint8] | None) -> Sequence[NDArray[np.uint8] | None]:
    """The images that go with `policy_observations`: those held out, in the same order, and noise for the others."""
    if spec.image is None or held_out is None:
        return [None] * POLICY_SAMPLES
    rng = np.random.default_rng(0)
    chosen = held_out[rng.permutation(len(held_out))[: POLICY_SAMPLES // 2]]
    shape = (POLICY_SAMPLES - len(chosen), *chosen.shape[1:])
    return [*chosen, *rng.integers(0, 256, shape, np.uint8)]


def _actions(
    policy: Policy, observations: NDArray[np.float32], images: Sequence[NDArray[np.uint8] | None]
) -> NDArray[np.float32]:
    """What the robot would do on each observation, asking the network each time; float32 [N, chunk carried out]."""
    rows = []
    for observation, image in zip(observations, images, strict=True):
        policy.forget()
        entries = given_to_policy(policy.spec, observation, image)
        planned = [policy.act(entries) for _ in range(policy.spec.replan_every)]
        rows.append(np.concatenate([value for answer in planned for value in answer.values()]))
    return np.stack(rows)
