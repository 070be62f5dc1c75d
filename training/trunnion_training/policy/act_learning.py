"""The training of ACT: epochs over chunks, each of which ends with all that a killed run goes on from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trunnion_contract.act_training import ActTraining
from trunnion_contract.files import whole_file
from trunnion_contract.progress import Progress
from trunnion_training.policy.act_network import ActNetwork
from trunnion_training.policy.chunks import Chunks
from trunnion_training.policy.course import Course, EarlyStopping

_PROGRESS = "epoch.pt"
# A network this small loses more to waking threads than it wins; and one thread adds in one order.
_THREADS = 1
_WEIGHT_DECAY = 1e-4
_GRADIENT_NORM_MAX = 1.0
# At once, where nothing is learnt: images become floats a batch at a time.
ROWS = 256


class Learning:
    """The state of training: all of it is in a checkpoint after each epoch, so that a kill changes nothing."""

    def __init__(
        self,
        network: ActNetwork,
        training: Chunks,
        settings: ActTraining,
        folder: Path,
        identity: str,
        early: EarlyStopping | None = None,
    ) -> None:
        self._early = early
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
        while self._epochs_done < self._settings.epochs and not (self._early and self._early.enough):
            loss = self._epoch(validation)
            progress.advance(1, note=f"epoch {self._epochs_done}, validation loss {loss:.4f}")
        progress.done()
        if self._early:
            self._network.load_state_dict(self._early.course.best)
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
        if self._early:
            self._early.look(self._epochs_done, self._settings.epochs, self._network)
        self._save()
        return loss

    def _step(self, batch: Chunks) -> tuple[float, float]:
        """One step of the optimiser; gives the error of the plans and the nats of style."""
        target = self._network.normalised(batch.plans)
        mean, log_variance = self._network.styles(batch.observations, target, batch.keep)
        chance = torch.randn(mean.shape, generator=self._generator)
        style = mean + chance * torch.exp(log_variance / 2)
        plan = self._network.scaled_plan(batch.observations, batch.images, style)
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
            "course": self._early.course.plain() if self._early else None,
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
        if self._early:
            self._early.course = Course.of(content["course"])


def plan_loss(network: ActNetwork, chunks: Chunks) -> float:
    """The mean error of the plans as they are acted on, with style zero, in units of each action's spread."""
    network.eval()
    total, periods = 0.0, 0.0
    with torch.inference_mode():
        for part in chunks.batches(ROWS):
            plan = network.scaled_plan(part.observations, part.images)
            error, kept = _error(plan, network.normalised(part.plans), part.keep), float(part.keep.sum())
            total, periods = total + float(error) * kept, periods + kept
    return total / periods


def planned(network: ActNetwork, chunks: Chunks) -> NDArray[np.float32]:
    """What the policy plans there, float32 [N, chunk, action]."""
    return network.act(chunks.observations.numpy(), None if chunks.images is None else chunks.images.numpy())


def _error(plan: Tensor, target: Tensor, keep: Tensor) -> Tensor:
    """The mean absolute error over the periods within the episode."""
    return ((plan - target).abs() * keep[:, :, None]).sum() / (keep.sum() * plan.shape[2])
