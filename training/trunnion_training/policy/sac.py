"""Soft actor-critic with hindsight, of stable-baselines3, from scratch or on from a cloned policy."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from stable_baselines3 import SAC, HerReplayBuffer
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.utils import polyak_update
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from trunnion_contract.policy_training import PolicyTraining, Reinforcement
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
from trunnion_training.policy.replay import (
    demonstrated_replay,
    replay_state,
    restore_replay,
    reward_of_the_end,
)

_REPLAY_MAX = 1_000_000
_TAU = 0.02
_TEMPERATURE, _TEMPERATURE_AFTER_CLONING = 0.1, 0.005
# About a tenth of the action's range: what was cloned is tried with little noise.
_LOG_SPREAD_AFTER_CLONING = -2.3
# Of the learning rate: where the actor goes, the critic must have been.
_ACTOR_SHARE_AFTER_CLONING = 0.4
# Of the weight of what was cloned, at the end.
_ANCHOR_SHARE_MIN = 0.1


@dataclass(frozen=True)
class Imitation:
    """What the expert did, as long as it has a say: float32 [N, observation] and [N, action], the latter -1 to 1."""

    observations: Tensor
    actions: Tensor


@dataclass(frozen=True)
class Origin:
    """What practice goes on from.

    Attributes:
        imitation: what the clone learnt from.
        clone: float32 [N, features] to the actions [N, a] of the clone, -1 to 1.
        replay: the demonstrations, which half of every batch is drawn from (Ball et al., 2023).
    """

    imitation: Imitation
    clone: Callable[[Tensor], Tensor]
    replay: ReplayBuffer | None


class GuardedSAC(SAC):
    """SAC whose actor may be held: still while the critic learns, then near to demonstrations and to the clone.

    Without an origin it is SAC. It computes features once a batch, and no slopes that are thrown away.
    """

    origin: Origin | None = None
    end_reward: float | None = None
    settings: Reinforcement

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        """Update critic, actor and temperature `gradient_steps` times."""
        if not self._has_practised() and not (self.origin and self.origin.replay):
            return
        self.policy.set_training_mode(True)
        for _ in range(gradient_steps):
            self._update(batch_size)
        self._n_updates += gradient_steps

    def _update(self, batch_size: int) -> None:
        data = self._batch(batch_size)
        extract = self.actor.features_extractor
        with torch.no_grad():
            now, later = extract(data.observations), extract(data.next_observations)
        temperature = self.log_ent_coef.detach().exp()
        self._update_critic(now, later, data, temperature)
        if self.origin is None or self.num_timesteps > self.settings.critic_warmup_steps:
            self._update_actor(now, temperature)
        polyak_update(self.critic.parameters(), self.critic_target.parameters(), self.tau)

    def _has_practised(self) -> bool:
        """Whether there is something to draw from: hindsight needs an episode that is over."""
        return not isinstance(self.replay_buffer, HerReplayBuffer) or bool(self.replay_buffer.ep_length.any())

    def _batch(self, size: int) -> Any:
        """Steps of practice and of demonstrations, half and half."""
        shown = self.origin.replay if self.origin else None
        if shown is None:
            return self.replay_buffer.sample(size)
        if not self._has_practised():
            return shown.sample(size)
        return _together(self.replay_buffer.sample(size // 2), shown.sample(size - size // 2))

    def _update_critic(self, now: Tensor, later: Tensor, data: Any, temperature: Tensor) -> None:
        with torch.no_grad():
            action, log_probability, _ = self._acted(later)
            value = self._values(self.critic_target, later, action).min(dim=1).values
            over = data.dones[:, 0]
            if self.end_reward is not None:
                over = torch.maximum(over, (data.rewards[:, 0] == self.end_reward).float())
            target = data.rewards[:, 0] + (1 - over) * self.gamma * (value - temperature * log_probability)
        values = self._values(self.critic, now, data.actions)
        loss = ((values - target[:, None]) ** 2).sum(dim=1).mean() / 2
        self.critic.optimizer.zero_grad()
        loss.backward()
        self.critic.optimizer.step()

    def _update_actor(self, now: Tensor, temperature: Tensor) -> None:
        action, log_probability, mean = self._acted(now)
        value = self._values(self.critic, now, action).min(dim=1).values
        loss = (temperature * log_probability - value).mean()
        if self.origin:
            loss = loss / value.detach().abs().mean().clamp(min=1.0) + self._distance(self.origin, now, mean)
        parameters = list(self.actor.parameters())
        for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = slope
        self.actor.optimizer.step()
        self.ent_coef_optimizer.zero_grad()
        (-self.log_ent_coef * (log_probability.detach() + self.target_entropy).mean()).sum().backward()
        self.ent_coef_optimizer.step()

    def _acted(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Action [N, a] from -1 to 1, the logarithm of its probability [N], and the action without noise."""
        latent = self.actor.latent_pi(features)
        mean, log_spread = self.actor.mu(latent), self.actor.log_std(latent).clamp(-20, 2)
        action, log_probability = self.actor.action_dist.log_prob_from_params(mean, log_spread)
        return action, log_probability, torch.tanh(mean)

    @staticmethod
    def _values(critic: Any, features: Tensor, action: Tensor) -> Tensor:
        together = torch.cat([features, action], dim=1)
        return torch.cat([network(together) for network in critic.q_networks], dim=1)

    def _distance(self, origin: Origin, now: Tensor, mean: Tensor) -> Tensor:
        """From the demonstrations, and from the clone in the states of a batch, with weights that fall."""
        left = max(0.0, 1 - self.num_timesteps / self.settings.imitation_steps)
        with torch.no_grad():
            cloned = origin.clone(now)
        anchor = self.settings.anchor_weight * max(left, _ANCHOR_SHARE_MIN)
        distance = anchor * (mean - cloned).square().sum(dim=1).mean()
        if left:
            rows = torch.randint(len(origin.imitation.observations), (len(now),))
            features = self.actor.features_extractor(origin.imitation.observations[rows])
            shown = mse_loss(self._acted(features)[2], origin.imitation.actions[rows])
            distance = distance + self.settings.imitation_weight * left * shown
        return distance


class SacLearner:
    """Rounds of SAC, one copy of the environment."""

    def __init__(
        self, task: Task, settings: PolicyTraining, network: PolicyNetwork, imitation: Imitation | None
    ) -> None:
        assert settings.reinforcement is not None
        self._network, self._settings, self._reinforcement = network, settings, settings.reinforcement
        self._model = _model(task, settings, network)
        self._model.settings = self._reinforcement
        if imitation:
            self._go_on(task, imitation)

    def _go_on(self, task: Task, imitation: Imitation) -> None:
        """Begin with the clone, with little exploration, a calm critic and the demonstrations."""
        network = self._network
        copy_weights(linears(network.layers), linears(self._model.actor.latent_pi, self._model.actor.mu))
        with torch.no_grad():
            self._model.actor.log_std.weight.zero_()
            self._model.actor.log_std.bias.fill_(_LOG_SPREAD_AFTER_CLONING)
        for group in self._model.actor.optimizer.param_groups:
            group["lr"] = self._reinforcement.learning_rate * _ACTOR_SHARE_AFTER_CLONING
        _normalise_layers(self._model, self._reinforcement.learning_rate)
        layers = copy.deepcopy(network.layers)
        replay = demonstrated_replay(self._model, task, self._settings)
        self._model.origin = Origin(imitation, lambda features: torch.tanh(layers(features)), replay)
        self._model.end_reward = reward_of_the_end(replay)

    @property
    def steps(self) -> int:
        """Steps of the environment so far."""
        return self._model.num_timesteps

    def play_round(self, number: int, advance: Callable[[int], None]) -> None:
        """Play and learn for `round_steps`."""
        begin_round(self._model, self._settings.seed, number)
        self._model.learn(self._reinforcement.round_steps, Told(advance), reset_num_timesteps=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it is cut off is meant
            if isinstance(self._model.replay_buffer, HerReplayBuffer):
                self._model.replay_buffer.truncate_last_trajectory()

    def policy(self) -> PolicyNetwork:
        """The mean of the actor, squashed and scaled."""
        network = copy.deepcopy(self._network)
        copy_weights(linears(self._model.actor.latent_pi, self._model.actor.mu), linears(network.layers))
        return network.eval()

    def state(self) -> dict[str, Any]:
        """Networks, optimisers, temperature, replay and counters."""
        model = self._model
        return {
            "policy": model.policy.state_dict(),
            "actor_optimiser": model.actor.optimizer.state_dict(),
            "critic_optimiser": model.critic.optimizer.state_dict(),
            "temperature_optimiser": model.ent_coef_optimizer.state_dict(),
            "log_temperature": model.log_ent_coef.detach(),
            "steps": model.num_timesteps,
            "replay": replay_state(model.replay_buffer),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        model = self._model
        model.policy.load_state_dict(state["policy"])
        model.actor.optimizer.load_state_dict(state["actor_optimiser"])
        model.critic.optimizer.load_state_dict(state["critic_optimiser"])
        model.ent_coef_optimizer.load_state_dict(state["temperature_optimiser"])
        model.log_ent_coef.data.copy_(state["log_temperature"])
        model.num_timesteps = state["steps"]
        restore_replay(model.replay_buffer, state["replay"])


def _normalise_layers(model: SAC, learning_rate: float) -> None:
    """Put a LayerNorm behind each hidden layer of the critics: values of actions nobody tried stay within bounds."""
    for critic in (model.critic, model.critic_target):
        for index, network in enumerate(critic.q_networks):
            *hidden, last = network
            layers = [
                [layer, nn.LayerNorm(layer.out_features)] if isinstance(layer, nn.Linear) else [layer]
                for layer in hidden
            ]
            critic.q_networks[index] = nn.Sequential(*[layer for pair in layers for layer in pair], last)
            setattr(critic, f"qf{index}", critic.q_networks[index])
    model.critic_target.load_state_dict(model.critic.state_dict())
    model.critic.optimizer = torch.optim.Adam(model.critic.parameters(), lr=learning_rate, fused=True)


def _together(a: Any, b: Any) -> Any:
    """Two batches as one."""
    if isinstance(a, dict):
        return {name: torch.cat([a[name], b[name]]) for name in a}
    if isinstance(a, Tensor):
        return torch.cat([a, b])
    return type(a)(*[None if one is None else _together(one, other) for one, other in zip(a, b, strict=True)])


def _model(task: Task, settings: PolicyTraining, network: PolicyNetwork) -> GuardedSAC:
    reinforcement, env = settings.reinforcement, playground(task, 1)
    assert reinforcement is not None
    from_clone = reinforcement.start == "clone"
    goals = is_goal_space(env.observation_space) and reinforcement.hindsight_goals > 0
    room = max(reinforcement.steps + reinforcement.round_steps, _demonstrated_steps(settings, env))
    return GuardedSAC(
        "MultiInputPolicy" if is_goal_space(env.observation_space) else "MlpPolicy",
        env,
        learning_rate=reinforcement.learning_rate,
        buffer_size=min(_REPLAY_MAX, room),
        learning_starts=0 if from_clone else reinforcement.learning_starts,
        batch_size=reinforcement.batch,
        tau=_TAU,
        gamma=reinforcement.discount,
        train_freq=1,
        gradient_steps=reinforcement.gradient_steps,
        replay_buffer_class=HerReplayBuffer if goals else None,
        replay_buffer_kwargs={"n_sampled_goal": reinforcement.hindsight_goals} if goals else None,
        ent_coef=f"auto_{_TEMPERATURE_AFTER_CLONING if from_clone else _TEMPERATURE}",
        policy_kwargs={
            "features_extractor_class": NetworkFeatures,
            "features_extractor_kwargs": {"network": network},
            "net_arch": list(settings.hidden),
            "optimizer_kwargs": {"fused": True},
        },
        seed=settings.seed,
        device="cpu",
    )


def _demonstrated_steps(settings: PolicyTraining, env: Any) -> int:
    """Room for demonstrations, of at most as many steps as an episode has."""
    spec = env.envs[0].spec
    return (settings.demonstrations or 0) * ((spec and spec.max_episode_steps) or 200)
