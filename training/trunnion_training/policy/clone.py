"""Behaviour cloning: a network that does what the expert did."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json, write_json, write_text
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.progress import Progress
from trunnion_contract.tensor import TensorSpec
from trunnion_contract.usecase import PolicyTraining, UseCase
from trunnion_training.curves import draw_curves
from trunnion_training.policy.demonstrations import Demonstrations, Episode, demonstrate
from trunnion_training.policy.environment import Task, demonstrable, open_environment, ranges, task_of
from trunnion_training.policy.network import INPUT, OUTPUT, PolicyNetwork, Scale, position_pairs

CHECKPOINT, SPEC, METRICS, CURVES = (
    "policy.pt",
    "policy_spec.json",
    "policy_metrics.json",
    "policy_curves.png",
)
# Observations that were not learnt from: export compares torch and ONNX on them.
HELD_OUT = "policy_held_out.npy"
_WORK = ".policy"
_VALIDATION_SHARE = 0.1
# A network this small loses more to waking threads than it wins.
_THREADS = 1
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


def clone(usecase: UseCase, out_dir: Path, progress: Progress) -> Path:
    """Demonstrate, learn, and write policy, metrics, curves and held-out observations; give the policy's path.

    Stopped at any moment, the same call plays only the episodes that are missing, and learns from the start.

    Raises:
        BadInput: there is no policy to learn, or the environment does not fit.
    """
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    demonstrations = demonstrate(
        task, settings.demonstrations, settings.seed, _work_dir(task, settings.seed, out_dir), progress
    )
    training, validation = _divided(demonstrations)
    spec = policy_spec(task)
    network = _network(settings, spec, training)
    history = fit(network, training, validation, settings, progress)
    network.save(out_dir / CHECKPOINT)
    write_json(out_dir / SPEC, spec.model_dump(mode="json"))
    with (out_dir / HELD_OUT).open("wb") as file:
        np.save(file, validation.observations.numpy(), allow_pickle=False)
    write_json(out_dir / METRICS, _metrics(settings, demonstrations, training, validation, network, history))
    draw_curves({"loss": history}, out_dir / CURVES)
    shutil.rmtree(out_dir / _WORK, ignore_errors=True)
    return out_dir / CHECKPOINT


def fit(
    network: PolicyNetwork,
    training: Samples,
    validation: Samples,
    settings: PolicyTraining,
    progress: Progress,
) -> dict[str, list[float]]:
    """Train in place with AdamW and a cosine; gives the loss of each epoch on training and validation samples."""
    threads = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    generator = torch.Generator().manual_seed(settings.seed)
    steps = max(1, len(training.observations) // settings.batch) * settings.epochs
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, steps, eta_min=settings.learning_rate * 0.01
    )
    history: dict[str, list[float]] = {"training": [], "validation": []}
    progress.start("training the policy", settings.epochs)
    for epoch in range(settings.epochs):
        history["training"].append(_epoch(network, training, settings.batch, optimiser, schedule, generator))
        history["validation"].append(_loss(network, validation))
        progress.advance(1, note=f"epoch {epoch + 1}, validation loss {history['validation'][-1]:.4f}")
    progress.done()
    network.eval()
    torch.set_num_threads(threads)
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


def policy_spec(task: Task) -> PolicySpec:
    """What the policy takes and gives, as its environment names it."""
    env = open_environment(task)
    described = demonstrable(env)
    sizes = [
        sum(entry.size for entry in entries)
        for entries in (described.observation_entries, described.action_entries)
    ]
    env.close()
    return PolicySpec(
        input=TensorSpec(name=INPUT, dtype="float32", shape=("N", sizes[0])),
        output=TensorSpec(name=OUTPUT, dtype="float32", shape=("N", sizes[1])),
        observation=described.observation_entries,
        action=described.action_entries,
        rate_hz=described.rate_hz,
    )


def _network(settings: PolicyTraining, spec: PolicySpec, training: Samples) -> PolicyNetwork:
    torch.manual_seed(settings.seed)
    return PolicyNetwork(
        Scale.of(training.observations.numpy(), *ranges(spec.observation)),
        Scale.of(training.actions.numpy(), *ranges(spec.action)),
        settings.hidden,
        position_pairs(spec.observation),
    )


def _divided(demonstrations: Demonstrations) -> tuple[Samples, Samples]:
    """Whole episodes for training and, the last tenth of them, for validation."""
    episodes = demonstrations.episodes
    held_out = max(1, round(len(episodes) * _VALIDATION_SHARE))
    if len(episodes) <= held_out:
        raise BadInput(
            where="models.policy.demonstrations",
            got=f"{len(episodes)} successful demonstration(s)",
            wanted="two or more",
            next_step="ask for more demonstrations",
        )
    return Samples.of(episodes[:-held_out]), Samples.of(episodes[-held_out:])


def _metrics(
    settings: PolicyTraining,
    demonstrations: Demonstrations,
    training: Samples,
    validation: Samples,
    network: PolicyNetwork,
    history: dict[str, list[float]],
) -> dict[str, Any]:
    error = np.abs(network.act(validation.observations.numpy()) - validation.actions.numpy())
    return {
        "env": settings.env,
        "episodes_played": demonstrations.played,
        "episodes_learnt_from": len(demonstrations.episodes),
        "samples": {"training": len(training.observations), "validation": len(validation.observations)},
        "epochs": settings.epochs,
        "validation_loss": history["validation"][-1],
        "mean_absolute_error": [float(value) for value in error.mean(axis=0)],
        "history": history,
    }


def _work_dir(task: Task, seed: int, out_dir: Path) -> Path:
    """Where episodes wait; those of another task or seed are thrown away."""
    folder, marker = out_dir / _WORK, out_dir / _WORK / "settings.sha256"
    cell = task.cell.model_dump(mode="json") if task.cell else None
    digest = digest_json([task.env_id, task.package, cell, seed])
    if folder.exists() and (not marker.exists() or marker.read_text() != digest):
        shutil.rmtree(folder)
    write_text(marker, digest)
    return folder
