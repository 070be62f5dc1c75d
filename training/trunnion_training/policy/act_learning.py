"""The training of ACT: epochs over chunks, each of which ends with all that a killed run goes on from."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trunnion_contract.act_training import ActTraining
from trunnion_contract.progress import Progress
from trunnion_training.cluster.share import ALONE, Share
from trunnion_training.policy.act_network import STYLE, ActNetwork
from trunnion_training.policy.chunks import Chunks
from trunnion_training.policy.course import EarlyStopping
from trunnion_training.policy.exportable import one_thread
from trunnion_training.policy.learning_state import Curves, LearningState

_WEIGHT_DECAY = 1e-4
_GRADIENT_NORM_MAX = 1.0
# At once, where nothing is learnt: images become floats a batch at a time.
ROWS = 256


class Learning:
    """The training of one network: its state is in a folder after each epoch, so that a kill changes nothing."""

    def __init__(
        self,
        network: ActNetwork,
        training: Chunks,
        settings: ActTraining,
        folder: Path,
        early: EarlyStopping | None = None,
        share: Share = ALONE,
    ) -> None:
        self._network, self._training, self._settings = network.to(share.device), training, settings
        self._share = share
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY
        )
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self._optimiser, settings.epochs, eta_min=settings.learning_rate * 0.01
        )
        self._generator = torch.Generator().manual_seed(settings.seed)
        self._state = LearningState(
            network, self._optimiser, self._schedule, self._generator, folder, early, share
        )

    def run(self, validation: Chunks, progress: Progress) -> Curves:
        """All epochs that are left; gives the curves of all."""
        self._state.resume()
        # After the weights are there: it sends those of the first process to all.
        self._loss = self._share.joined(_Loss(self._network))
        epochs = self._settings.epochs
        progress.start("training the policy of action chunks", epochs)
        progress.advance(self._state.epochs_done)
        # A network this small loses more to waking threads than it wins; and one thread adds in one order.
        with one_thread() if self._share.size == 1 else nullcontext():
            while self._state.epochs_done < epochs and not self._state.enough:
                words = self._epoch(validation)
                progress.advance(1, note=f"epoch {self._state.epochs_done}{words}")
        progress.done()
        self._state.end()
        return self._state.curves

    def _epoch(self, validation: Chunks) -> str:
        """One pass; gives words about it."""
        self._network.train()
        batch, rows = self._settings.batch, len(self._training.observations)
        order = torch.randperm(rows, generator=self._generator)
        # The short rest would weigh as much as a whole batch.
        whole = [part for part in order.split(batch) if len(part) == batch or rows < batch]
        losses = np.array([self._step(part) for part in whole])
        self._schedule.step()
        found = self._share.mean({"error": float(losses[:, 0].mean()), "nats": float(losses[:, 1].mean())})
        curves = {"loss": {"training": found["error"]}, "style, nats": {"training": found["nats"]}}
        words = ""
        if self._share.leads:
            loss = plan_loss(self._network, validation, self._share.device)
            curves["loss"]["validation"], words = loss, f", validation loss {loss:.4f}"
        self._state.conclude(self._settings.epochs, curves)
        return words

    def _step(self, rows: Tensor) -> tuple[float, float]:
        """One step of the optimiser; gives this process's part in the error of the plans and the nats of style.

        Everyone draws the chance of the whole batch, so that a row has the same, whoever has the row.
        """
        share = self._share
        chance = torch.randn((len(rows), STYLE), generator=self._generator)[share.rank :: share.size]
        batch = self._training.rows(rows[share.rank :: share.size]).to(share.device)
        error, nats = self._loss(batch, chance.to(share.device))
        # What is averaged over the processes is then the gradient of the whole batch.
        periods = float(batch.keep.sum()) / float(self._training.keep[rows].sum())
        error, nats = error * (periods * share.size), nats * (len(batch.keep) * share.size / len(rows))
        self._optimiser.zero_grad(set_to_none=True)
        (error + self._settings.kl_weight * nats).backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), _GRADIENT_NORM_MAX)
        self._optimiser.step()
        return float(error.detach()), float(nats.detach())


class _Loss(nn.Module):
    """The error of the plans and the nats of style, for `share.joined`."""

    def __init__(self, network: ActNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Chunks, chance: Tensor) -> tuple[Tensor, Tensor]:
        """Plan with a style that is drawn by `chance`, float32 [N, STYLE], and compare."""
        target = self.network.normalised(batch.plans)
        mean, log_variance = self.network.styles(batch.observations, target, batch.keep)
        style = mean + chance * torch.exp(log_variance / 2)
        plan = self.network.scaled_plan(batch.observations, batch.images, style)
        nats = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1).mean()
        return _error(plan, target, batch.keep), nats


def plan_loss(network: ActNetwork, chunks: Chunks, device: str = "cpu") -> float:
    """The mean error of the plans as they are acted on, with style zero, in units of each action's spread."""
    network.eval()
    total, periods = 0.0, 0.0
    with torch.inference_mode():
        for part in (rows.to(device) for rows in chunks.batches(ROWS)):
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
