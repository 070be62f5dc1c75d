"""What SAC and PPO share: the environment and the network as stable-baselines3 takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from gymnasium.wrappers import RescaleAction
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import Tensor, nn

from trunnion_contract.manifest import Entry, PolicySpec
from trunnion_contract.policy_training import PolicyTraining
from trunnion_edge.goal_observation import PARTS
from trunnion_training.policy.description import random_observations, ranges
from trunnion_training.policy.environment import Task, open_environment
from trunnion_training.policy.network import PolicyNetwork, Scale, Squash, position_pairs

# Far from the seeds of proofs, of demonstrations and of what is held out.
_FIRST_SEED = 2_000_000_000
_ROUNDS_PER_SEED = 100_003
_SCALE_EPISODES = 20
_TOLD_EVERY_STEPS = 100


class Learner(Protocol):
    """An algorithm that learns in rounds, each of which depends on `state` and its number alone."""

    @property
    def steps(self) -> int:
        """Steps of the environment so far."""

    def play_round(self, number: int, advance: Callable[[int], None]) -> None:
        """Play and learn for `round_steps`."""

    def policy(self) -> PolicyNetwork:
        """The deterministic policy as it is now, to keep."""

    def state(self) -> dict[str, Any]:
        """Everything that the next round depends on: tensors and plain values."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""


def playground(task: Task, copies: int) -> DummyVecEnv:
    """Copies of the environment in one process, with actions from -1 to 1."""
    return DummyVecEnv([lambda: rescaled(open_environment(task))] * copies)


def rescaled(env: gymnasium.Env) -> RescaleAction:
    """The environment, with actions from -1 to 1. In float32: of other numbers Gymnasium warns that it rounds them."""
    return RescaleAction(env, np.float32(-1), np.float32(1))


def vectors(observation: Tensor | dict[str, Tensor]) -> Tensor:
    """What `trunnion_edge.goal_observation.as_vector` does, for many rows in torch; float32 [N, n]."""
    if isinstance(observation, dict):
        return torch.cat([observation[part] for part in PARTS], dim=1).float()
    return observation.float()


class NetworkFeatures(BaseFeaturesExtractor):
    """The features of a policy's network, which have no weights."""

    def __init__(self, space: gymnasium.Space[Any], network: PolicyNetwork) -> None:
        super().__init__(space, network.feature_size)
        # Inside a tuple, torch does not take it for a part of this module.
        self._network = (network,)

    def forward(self, observation: Tensor | dict[str, Tensor]) -> Tensor:
        """float32 [N, features]."""
        features: Tensor = self._network[0].features(vectors(observation))
        return features


def fresh_network(task: Task, settings: PolicyTraining, spec: PolicySpec, squash: Squash) -> PolicyNetwork:
    """A network that has learnt nothing, with the scales of random episodes."""
    env = open_environment(task)
    observations = random_observations(env, _SCALE_EPISODES, _FIRST_SEED + settings.seed)
    env.close()
    observed = Scale.of(observations, *ranges(spec.observation))
    low, high = ranges(spec.action)
    torch.manual_seed(settings.seed)
    return PolicyNetwork(
        spec,
        Scale(observed.mean, shared_spread(observed.spread, spec.observation), observed.low, observed.high),
        Scale((low + high) / 2, (high - low) / 2, low, high),
        settings.hidden,
        position_pairs(spec.observation),
        squash,
    )


def shared_spread(spread: NDArray[np.float32], entries: Sequence[Entry]) -> NDArray[np.float32]:
    """The largest spread within each entry: random actions lift nothing, and height must not look huge for it later."""
    ends = np.cumsum([entry.size for entry in entries])
    parts = [spread[end - entry.size : end] for entry, end in zip(entries, ends, strict=True)]
    return np.concatenate([np.full_like(part, part.max()) for part in parts])


def linears(*modules: nn.Module) -> list[nn.Linear]:
    """The linear layers of some modules, in order."""
    return [layer for module in modules for layer in module.modules() if isinstance(layer, nn.Linear)]


def copy_weights(source: Sequence[nn.Linear], target: Sequence[nn.Linear]) -> None:
    """Give one list of layers the weights of another."""
    with torch.no_grad():
        for a, b in zip(source, target, strict=True):
            b.weight.copy_(a.weight)
            b.bias.copy_(a.bias)


def begin_round(model: BaseAlgorithm, seed: int, number: int) -> None:
    """Draw everything of this round from its own seed, and begin it with new episodes.

    So a round that is resumed is the round that was interrupted, without the state of any generator or simulator.
    """
    round_seed = _FIRST_SEED + (seed * _ROUNDS_PER_SEED + number) % 1_000_000_000
    torch.manual_seed(round_seed)
    np.random.seed(round_seed)  # stable-baselines3 draws its batches from it
    model.action_space.seed(round_seed)
    assert model.env is not None
    model.env.seed(round_seed)
    model._last_obs = None
    # Its own logger would leave a folder in the temporary folder for each round.
    model.set_logger(Logger(folder=None, output_formats=[]))


class Told(BaseCallback):
    """Says how far a round is."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._advance, self._untold = advance, 0

    def _on_step(self) -> bool:
        self._untold += self.training_env.num_envs
        if self._untold >= _TOLD_EVERY_STEPS:
            self._tell()
        return True

    def _on_training_end(self) -> None:
        self._tell()

    def _tell(self) -> None:
        self._advance(self._untold)
        self._untold = 0
