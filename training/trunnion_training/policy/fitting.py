"""Fitting a network to what an expert did: samples, their division, and the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.progress import Progress
from trunnion_training.policy.course import EarlyStopping
from trunnion_training.policy.demonstrations import Demonstrations, Episode
from trunnion_training.policy.description import ranges
from trunnion_training.policy.exportable import one_thread
from trunnion_training.policy.network import PolicyNetwork, Scale, Squash, position_pairs

_VALIDATION_SHARE = 0.1
_WEIGHT_DECAY = 1e-5


@dataclass(frozen=True)
class Samples:
    """Observations float32 [N, observation] and actions float32 [N, action], in SI units."""

    observations: Tensor
    actions: Tensor

    @classmethod
    def of(cls, episodes: Sequence[Episode]) -> Samples:
        """All steps of some episodes."""
        observations = np.concatenate([episode.observations for episode in episodes])
        actions = np.concatenate([episode.actions for episode in episodes])
        return cls(torch.from_numpy(observations), torch.from_numpy(actions))

    def and_more(self, episodes: Sequence[Episode]) -> Samples:
        """These, and all steps of some episodes."""
        more = Samples.of(episodes)
        return Samples(
            torch.cat([self.observations, more.observations]), torch.cat([self.actions, more.actions])
        )


def new_network(
    settings: PolicyTraining, spec: PolicySpec, training: Samples, squash: Squash = "clip"
) -> PolicyNetwork:
    """A network with the scales of the samples, and the first weights of the seed.

    A curve that ends at the bounds wants them, and not the samples' spread, as its scale.
    """
    torch.manual_seed(settings.seed)
    low, high = ranges(spec.action)
    action = (
        Scale((low + high) / 2, (high - low) / 2, low, high)
        if squash == "tanh"
        else Scale.of(training.actions.numpy(), low, high)
    )
    observation = Scale.of(training.observations.numpy(), *ranges(spec.observation))
    return PolicyNetwork(spec, observation, action, settings.hidden, position_pairs(spec.observation), squash)


def fit(
    network: PolicyNetwork,
    training: Samples,
    validation: Samples,
    settings: PolicyTraining,
    progress: Progress,
    early: EarlyStopping | None = None,
) -> dict[str, list[float]]:
    """Train in place with AdamW and a cosine; gives the loss of each epoch on training and validation samples.

    With `early`, the weights at the end are the best that it saw.
    """
    assert settings.epochs is not None, "a method that imitates has epochs"
    generator = torch.Generator().manual_seed(settings.seed)
    steps = max(1, len(training.observations) // settings.batch) * settings.epochs
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, steps, eta_min=settings.learning_rate * 0.01
    )
    history: dict[str, list[float]] = {"training": [], "validation": []}
    progress.start("training the policy", settings.epochs)
    with one_thread():
        for epoch in range(settings.epochs):
            history["training"].append(
                _epoch(network, training, settings.batch, optimiser, schedule, generator)
            )
            history["validation"].append(_loss(network, validation))
            progress.advance(1, note=f"epoch {epoch + 1}, validation loss {history['validation'][-1]:.4f}")
            if early:
                early.look(epoch + 1, settings.epochs, network)
                if early.enough:
                    break
    progress.done()
    if early:
        network.load_state_dict(early.course.best)
    network.eval()
    return history


def _epoch(
    network: PolicyNetwork,
    samples: Samples,
    batch: int,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    generator: torch.Generator,
) -> float:
    network.train()
    order = torch.randperm(len(samples.observations), generator=generator)
    losses = []
    for rows in order.split(batch):
        if len(rows) < batch and len(order) >= batch:  # the short rest would weigh as much as a whole batch
            continue
        predicted = network.scaled_action(samples.observations[rows])
        loss = mse_loss(predicted, network.normalised(samples.actions[rows]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _loss(network: PolicyNetwork, samples: Samples) -> float:
    network.eval()
    with torch.inference_mode():
        predicted = network.scaled_action(samples.observations)
        return float(mse_loss(predicted, network.normalised(samples.actions)))


def divided(demonstrations: Demonstrations) -> tuple[Samples, Samples]:
    """Whole episodes for training and, the last tenth of them, for validation."""
    training, validation = divided_episodes(demonstrations.episodes)
    return Samples.of(training), Samples.of(validation)


def divided_episodes(episodes: Sequence[Episode]) -> tuple[Sequence[Episode], Sequence[Episode]]:
    """All but the last tenth, and the last tenth.

    Raises:
        BadInput: there are fewer than two.
    """
    held_out = max(1, round(len(episodes) * _VALIDATION_SHARE))
    if len(episodes) <= held_out:
        raise BadInput(
            where="models.policy.demonstrations",
            got=f"{len(episodes)} successful demonstration(s)",
            wanted="two or more",
            next_step="ask for more demonstrations",
        )
    return episodes[:-held_out], episodes[-held_out:]
