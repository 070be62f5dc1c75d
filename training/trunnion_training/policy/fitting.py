"""Fitting a network to what an expert did: samples, their division, and the loop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.progress import Progress
from trunnion_training.cluster.share import ALONE, Share
from trunnion_training.policy.course import EarlyStopping
from trunnion_training.policy.demonstrations import Demonstrations, Episode
from trunnion_training.policy.description import ranges
from trunnion_training.policy.exportable import one_thread
from trunnion_training.policy.learning_state import LearningState
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
    folder: Path | None = None,
    share: Share = ALONE,
) -> dict[str, list[float]]:
    """Train in place with AdamW and a cosine; gives the loss of each epoch on training and validation samples.

    With `early`, the weights at the end are the best that it saw. With a `folder`, it goes on after the last whole
    epoch in it. A process that has a `share` learns together with the others, from its part of each batch.
    """
    assert settings.epochs is not None, "a method that imitates has epochs"
    network.to(share.device)
    generator = torch.Generator().manual_seed(settings.seed)
    steps = max(1, len(training.observations) // settings.batch) * settings.epochs
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, steps, eta_min=settings.learning_rate * 0.01
    )
    state = LearningState(network, optimiser, schedule, generator, folder, early, share)
    state.resume()
    loss = share.joined(_Loss(network))
    progress.start("training the policy", settings.epochs)
    progress.advance(state.epochs_done)
    with one_thread() if share.size == 1 else nullcontext():
        while state.epochs_done < settings.epochs and not state.enough:
            found = {
                "training": _epoch(loss, training, settings.batch, optimiser, schedule, generator, share)
            }
            if share.leads:
                found["validation"] = _on(loss, validation, share)
            state.conclude(settings.epochs, {"loss": found})
            progress.advance(1, note=f"epoch {state.epochs_done}" + _in_words(found))
    progress.done()
    state.end()
    return state.curves["loss"]


class _Loss(nn.Module):
    """The mean squared error of scaled actions, for `share.joined`."""

    def __init__(self, network: PolicyNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Compare."""
        return mse_loss(self.network.scaled_action(observations), self.network.normalised(actions))


def _epoch(
    loss_of: nn.Module,
    samples: Samples,
    batch: int,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    generator: torch.Generator,
    share: Share,
) -> float:
    """The mean loss of the batches, everyone's share together."""
    loss_of.train()
    order = torch.randperm(len(samples.observations), generator=generator)
    losses = []
    for rows in order.split(batch):
        if len(rows) < batch and len(order) >= batch:  # the short rest would weigh as much as a whole batch
            continue
        mine = rows[share.rank :: share.size]
        loss = loss_of(samples.observations[mine].to(share.device), samples.actions[mine].to(share.device))
        # What is averaged over the processes is then the gradient of the whole batch.
        loss = loss * (len(mine) * share.size / len(rows))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return share.mean({"loss": float(np.mean(losses))})["loss"]


def _on(loss_of: nn.Module, samples: Samples, share: Share) -> float:
    """The loss, with nothing learnt from it."""
    network = loss_of.module if share.size > 1 else loss_of
    network.eval()
    with torch.inference_mode():
        return float(network(samples.observations.to(share.device), samples.actions.to(share.device)))


def _in_words(found: dict[str, float]) -> str:
    return f", validation loss {found['validation']:.4f}" if "validation" in found else ""


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
