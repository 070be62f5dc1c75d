"""ACT, action chunking with transformers (Zhao et al., 2023), learnt from demonstrations in plain torch.

Every state of a demonstration is learnt together with the actions of the next `chunk` periods. A style variable takes
up what the observation does not tell about them (a conditional variational autoencoder); acting, it is zero.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trunnion_contract.act_training import ActTraining, Chunking
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json, whole_file, write_json
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.progress import Progress
from trunnion_contract.tensor import TensorSpec
from trunnion_contract.usecase import UseCase
from trunnion_training.curves import draw_curves
from trunnion_training.policy.act_network import ActForm, ActNetwork
from trunnion_training.policy.clone import (
    CURVES,
    HELD_OUT,
    METRICS,
    demonstrations_of,
    finished,
    spec_of,
)
from trunnion_training.policy.demonstrations import Demonstrations, Episode
from trunnion_training.policy.description import ranges
from trunnion_training.policy.environment import Task, task_of
from trunnion_training.policy.exportable import save_policy
from trunnion_training.policy.fitting import divided_episodes
from trunnion_training.policy.network import OUTPUT, Scale, position_pairs

_WORK = ".act"
_PROGRESS = "epoch.pt"
# A network this small loses more to waking threads than it wins; and one thread adds in one order.
_THREADS = 1
_WEIGHT_DECAY = 1e-4
_GRADIENT_NORM_MAX = 1.0


@dataclass(frozen=True)
class Chunks:
    """Observations float32 [N, observation], what followed float32 [N, chunk, action], in SI units, and for how long.

    `keep`, bool [N, chunk], is False after the end of the episode, where the last action stands in.
    """

    observations: Tensor
    plans: Tensor
    keep: Tensor

    @classmethod
    def of(cls, episodes: Sequence[Episode], chunk: int) -> Chunks:
        """All steps of some episodes."""
        parts = [_chunked(episode, chunk) for episode in episodes]
        observations, plans, keep = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return cls(torch.from_numpy(observations), torch.from_numpy(plans), torch.from_numpy(keep))

    def rows(self, chosen: Tensor) -> Chunks:
        """Some of them."""
        return Chunks(self.observations[chosen], self.plans[chosen], self.keep[chosen])


def _chunked(episode: Episode, chunk: int) -> tuple[Any, Any, Any]:
    steps = len(episode.actions)
    ahead = np.arange(steps)[:, None] + np.arange(chunk)[None]
    return episode.observations, episode.actions[np.minimum(ahead, steps - 1)], ahead < steps


def learn_chunks(usecase: UseCase, out_dir: Path, progress: Progress) -> Path:
    """Demonstrate, learn, and write the policy of a use case with method `act`; gives the policy's path.

    Raises:
        BadInput: there is no policy to learn, or the environment does not fit.
    """
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    demonstrations = demonstrations_of(task, settings, out_dir, progress)
    shared = ("demonstrations", "epochs", "learning_rate", "batch", "seed")
    values = {name: getattr(settings, name) for name in shared}
    chunking = settings.act or Chunking()
    learn_act(task, ActTraining(**values, **chunking.model_dump()), demonstrations, out_dir, progress)
    return finished(out_dir)


def learn_act(
    task: Task, settings: ActTraining, demonstrations: Demonstrations, out_dir: Path, progress: Progress
) -> Path:
    """Learn, and write policy, spec, metrics, curves and held-out observations; give the policy's path.

    Stopped at any moment, the same call goes on after the last whole epoch, and ends with the same weights.

    Raises:
        BadInput: the environment does not fit the demonstrations, or there are too few of them.
    """
    spec = act_spec(task, settings)
    _require_fit(spec, demonstrations.episodes)
    parts = divided_episodes(demonstrations.episodes)
    training, validation = (Chunks.of(episodes, settings.chunk) for episodes in parts)
    network = build_network(settings, spec, training)
    identity = _identity(task, settings, demonstrations.episodes)
    history = _Learning(network, training, settings, out_dir / _WORK, identity).run(validation, progress)
    path = save_policy(network, out_dir)
    with whole_file(out_dir / HELD_OUT) as temporary, temporary.open("wb") as file:
        np.save(file, validation.observations.numpy(), allow_pickle=False)
    metrics = _metrics(task, settings, demonstrations, training, validation, network, history)
    write_json(out_dir / METRICS, metrics)
    draw_curves(history, out_dir / CURVES)
    shutil.rmtree(out_dir / _WORK, ignore_errors=True)
    return path


def act_spec(task: Task, settings: ActTraining) -> PolicySpec:
    """What the policy takes and gives: as its environment names it, `chunk` actions at once."""
    single = spec_of(task)
    actions = sum(entry.size for entry in single.action)
    return PolicySpec(
        input=single.input,
        output=TensorSpec(name=OUTPUT, dtype="float32", shape=("N", settings.chunk, actions)),
        observation=single.observation,
        action=single.action,
        rate_hz=single.rate_hz,
        chunk=settings.chunk,
        replan_every=settings.replan_every,
    )


def build_network(settings: ActTraining, spec: PolicySpec, training: Chunks) -> ActNetwork:
    """The untrained network, the same for the same seed, with the scales of what is learnt from."""
    form = ActForm(settings.chunk, settings.width, settings.layers, settings.heads)
    first = training.plans[:, 0].numpy()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return ActNetwork(
            spec,
            Scale.of(training.observations.numpy(), *ranges(spec.observation)),
            Scale.of(first, *ranges(spec.action)),
            form,
            position_pairs(spec.observation),
        )


class _Learning:
    """The state of training: all of it is in a checkpoint after each epoch, so that a kill changes nothing."""

    def __init__(
        self, network: ActNetwork, training: Chunks, settings: ActTraining, folder: Path, identity: str
    ) -> None:
        self._network, self._training, self._settings = network, training, settings
        self._file, self._identity = folder / _PROGRESS, identity
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY
        )
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self._optimiser, settings.epochs, eta_min=settings.learning_rate * 0.01
        )
        self._generator = torch.Generator().manual_seed(settings.seed)
        self._history: dict[str, dict[str, list[float]]] = {
            "loss": {"training": [], "validation": []},
            "style, nats": {"training": []},
        }
        self._epochs_done = 0

    def run(self, validation: Chunks, progress: Progress) -> dict[str, dict[str, list[float]]]:
        """All epochs that are left; gives the curves of all."""
        threads = torch.get_num_threads()
        torch.set_num_threads(_THREADS)
        self._resume()
        progress.start("training the policy of action chunks", self._settings.epochs)
        progress.advance(self._epochs_done)
        while self._epochs_done < self._settings.epochs:
            loss = self._epoch(validation)
            progress.advance(1, note=f"epoch {self._epochs_done}, validation loss {loss:.4f}")
        progress.done()
        self._network.eval()
        torch.set_num_threads(threads)
        return self._history

    def _epoch(self, validation: Chunks) -> float:
        self._network.train()
        batch, rows = self._settings.batch, len(self._training.observations)
        order = torch.randperm(rows, generator=self._generator)
        # The short rest would weigh as much as a whole batch.
        whole = [part for part in order.split(batch) if len(part) == batch or rows < batch]
        losses = np.array([self._step(self._training.rows(part)) for part in whole])
        self._schedule.step()
        loss = plan_loss(self._network, validation)
        self._history["loss"]["training"].append(float(losses[:, 0].mean()))
        self._history["loss"]["validation"].append(loss)
        self._history["style, nats"]["training"].append(float(losses[:, 1].mean()))
        self._epochs_done += 1
        self._save()
        return loss

    def _step(self, batch: Chunks) -> tuple[float, float]:
        """One step of the optimiser; gives the error of the plans and the nats of style."""
        target = self._network.normalised(batch.plans)
        mean, log_variance = self._network.styles(batch.observations, target, batch.keep)
        chance = torch.randn(mean.shape, generator=self._generator)
        plan = self._network.scaled_plan(batch.observations, mean + chance * torch.exp(log_variance / 2))
        error = _error(plan, target, batch.keep)
        nats = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1).mean()
        self._optimiser.zero_grad(set_to_none=True)
        (error + self._settings.kl_weight * nats).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _GRADIENT_NORM_MAX)
        self._optimiser.step()
        return float(error.detach()), float(nats.detach())

    def _save(self) -> None:
        content = {
            "identity": self._identity,
            "epochs_done": self._epochs_done,
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "generator": self._generator.get_state(),
            "history": self._history,
        }
        with whole_file(self._file) as temporary, temporary.open("wb") as file:
            torch.save(content, file)

    def _resume(self) -> None:
        """Take up what a stopped run left, where it learnt the same from the same."""
        if not self._file.exists():
            return
        content = torch.load(self._file, weights_only=True)
        if content["identity"] != self._identity:
            return
        self._network.load_state_dict(content["network"])
        self._optimiser.load_state_dict(content["optimiser"])
        self._schedule.load_state_dict(content["schedule"])
        self._generator.set_state(content["generator"])
        self._history, self._epochs_done = content["history"], content["epochs_done"]


def plan_loss(network: ActNetwork, chunks: Chunks) -> float:
    """The mean error of the plans as they are acted on, with style zero, in units of each action's spread."""
    network.eval()
    with torch.inference_mode():
        plan = network.scaled_plan(chunks.observations)
        return float(_error(plan, network.normalised(chunks.plans), chunks.keep))


def _error(plan: Tensor, target: Tensor, keep: Tensor) -> Tensor:
    """The mean absolute error over the periods within the episode."""
    return ((plan - target).abs() * keep[:, :, None]).sum() / (keep.sum() * plan.shape[2])


def _require_fit(spec: PolicySpec, episodes: Sequence[Episode]) -> None:
    sizes = [sum(entry.size for entry in entries) for entries in (spec.observation, spec.action)]
    for index, episode in enumerate(episodes):
        got = [episode.observations.shape[1], episode.actions.shape[1]]
        if got != sizes:
            raise BadInput(
                where=f"demonstration {index}",
                got=f"{got[0]} numbers observed and {got[1]} in an action",
                wanted=f"{sizes[0]} and {sizes[1]}, as the environment has it",
                next_step="take demonstrations of this environment",
            )


def _identity(task: Task, settings: ActTraining, episodes: Sequence[Episode]) -> str:
    """What training depends on."""
    data = hashlib.sha256()
    for episode in episodes:
        data.update(len(episode.actions).to_bytes(8, "little"))
        data.update(episode.observations.tobytes())
        data.update(episode.actions.tobytes())
    return digest_json([*task.plain(), settings.model_dump(mode="json"), data.hexdigest()])


def _metrics(
    task: Task,
    settings: ActTraining,
    demonstrations: Demonstrations,
    training: Chunks,
    validation: Chunks,
    network: ActNetwork,
    history: dict[str, dict[str, list[float]]],
) -> dict[str, Any]:
    first = network.act(validation.observations.numpy())[:, 0]
    error = np.abs(first - validation.plans[:, 0].numpy())
    return {
        "env": task.env_id,
        "episodes_played": demonstrations.played,
        "episodes_learnt_from": len(demonstrations.episodes),
        "samples": {"training": len(training.observations), "validation": len(validation.observations)},
        "epochs": settings.epochs,
        "chunk": settings.chunk,
        "replan_every": settings.replan_every,
        "validation_loss": history["loss"]["validation"][-1],
        "mean_absolute_error": [float(value) for value in error.mean(axis=0)],
        "history": history["loss"],
    }
