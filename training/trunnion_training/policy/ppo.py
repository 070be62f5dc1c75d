"""Proximal policy optimisation of stable-baselines3, from scratch or on from a cloned policy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3 import PPO
from torch import nn

from trunnion_contract.policy_training import PolicyTraining
from trunnion_training.policy.description import is_goal_space
from trunnion_training.policy.environment import Task
from trunnion_training.policy.learner import (
    NetworkFeatures,
    Told,
    begin_round,
    copy_weights,
    linears,
    playground,
)
from trunnion_training.policy.network import PolicyNetwork

_LOG_SPREAD, _LOG_SPREAD_AFTER_CLONING = -0.5, -2.0
# A cloned policy may move this far in one update, in nats; from scratch there is nothing to lose.
_DIVERGENCE_AFTER_CLONING = 0.02
_EPOCHS = 10


class PpoLearner:
    """Rounds of PPO, several copies of the environment in one process."""

    def __init__(
        self, task: Task, settings: PolicyTraining, network: PolicyNetwork, from_clone: bool
    ) -> None:
        assert settings.reinforcement is not None
        self._network, self._settings, self._reinforcement = network, settings, settings.reinforcement
        self._model, self._from_clone = _model(task, settings, network), from_clone
        if from_clone:
            copy_weights(linears(network.layers), self._actor())

    @property
    def steps(self) -> int:
        """Steps of the environment so far."""
        return self._model.num_timesteps

    def play_round(self, number: int, advance: Callable[[int], None]) -> None:
        """Play and learn for `round_steps`; after cloning the critic learns alone at first."""
        begin_round(self._model, self._settings.seed, number)
        still = self._from_clone and self.steps < self._reinforcement.critic_warmup_steps
        policy = self._model.policy
        for parameter in (
            *policy.mlp_extractor.policy_net.parameters(),
            *policy.action_net.parameters(),
            policy.log_std,
        ):
            parameter.requires_grad_(not still)
        self._model.learn(self._reinforcement.round_steps, Told(advance), reset_num_timesteps=False)

    def policy(self) -> PolicyNetwork:
        """The mean of the actor, cut off at the bounds and scaled."""
        network = copy.deepcopy(self._network)
        copy_weights(self._actor(), linears(network.layers))
        return network.eval()

    def state(self) -> dict[str, Any]:
        """Networks, optimiser and counter; PPO keeps no replay."""
        policy = self._model.policy
        return {
            "policy": policy.state_dict(),
            "optimiser": policy.optimizer.state_dict(),
            "steps": self._model.num_timesteps,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self._model.policy.load_state_dict(state["policy"])
        self._model.policy.optimizer.load_state_dict(state["optimiser"])
        self._model.num_timesteps = state["steps"]

    def _actor(self) -> list[nn.Linear]:
        return linears(self._model.policy.mlp_extractor.policy_net, self._model.policy.action_net)


def _model(task: Task, settings: PolicyTraining, network: PolicyNetwork) -> PPO:
    reinforcement = settings.reinforcement
    assert reinforcement is not None
    from_clone, env = reinforcement.start == "clone", playground(task, reinforcement.environments)
    hidden = list(settings.hidden)
    return PPO(
        "MultiInputPolicy" if is_goal_space(env.observation_space) else "MlpPolicy",
        env,
        learning_rate=reinforcement.learning_rate,
        n_steps=max(2, reinforcement.round_steps // reinforcement.environments),
        batch_size=reinforcement.batch,
        n_epochs=_EPOCHS,
        gamma=reinforcement.discount,
        target_kl=_DIVERGENCE_AFTER_CLONING if from_clone else None,
        policy_kwargs={
            "features_extractor_class": NetworkFeatures,
            "features_extractor_kwargs": {"network": network},
            "net_arch": {"pi": hidden, "vf": hidden},
            "activation_fn": torch.nn.ReLU,
            "log_std_init": _LOG_SPREAD_AFTER_CLONING if from_clone else _LOG_SPREAD,
        },
        seed=settings.seed,
        device="cpu",
    )
