"""The training loop of torchvision detectors: AdamW, a warm-up and a cosine, the best epoch kept, and every whole one.

Each epoch, and each image in it, has random numbers of its own. So a run that was stopped ends like one that was not,
and processes that share the batches learn from the same pictures as one alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.files import whole_file, write_json
from trunnion_contract.progress import Progress
from trunnion_edge.labelled_images import split_images
from trunnion_edge.preprocess import Preprocessor
from trunnion_training.cluster.share import ALONE, Share
from trunnion_training.vision.augmentation import TORCHVISION
from trunnion_training.vision.pieces import Pieces, words
from trunnion_training.vision.schedule import HISTORY, Schedule
from trunnion_training.vision.torchvision_images import BATCH_MIN, batches, load_batch
from trunnion_training.vision.torchvision_network import Architecture, loss

if TYPE_CHECKING:
    from trunnion_training.vision.torchvision_network import Model

LAST = "last.pt"
_WEIGHT_DECAY = 5e-4
_WARM_UP_STEPS = 50
_RATE_AT_END = 0.05
_GRADIENT_MAX = 10.0
# torchvision's own 0.03 is for hundreds of epochs over a hundred thousand images.
_MOMENTUM = 0.1
_LOSSES = {"bbox_regression": "train/box_loss", "classification": "train/cls_loss"}

# mAP50 and mAP50-95 on the validation split of the network as it is now.
Validate = Callable[[], tuple[float, float]]


class TrainingRun:
    """A network that learns, and how far it is.

    Attributes:
        history: see `trunnion_training.vision.family.History`.
    """

    def __init__(
        self,
        model: Model,
        architecture: Architecture,
        dataset_dir: Path,
        work_dir: Path,
        schedule: Schedule,
        share: Share = ALONE,
    ) -> None:
        self._model, self._schedule, self._share = model, schedule, share
        self._last, self._history = work_dir / LAST, work_dir / HISTORY
        _quicken(model)
        model.to(share.device)
        self._first_label = architecture.background
        self._images = split_images(dataset_dir, "train")
        self._preprocessor = Preprocessor(schedule.image_size_px)
        self._pieces = Pieces(work_dir, BATCH_MIN)
        self._optimiser = torch.optim.AdamW(
            model.parameters(), lr=schedule.learning_rate, weight_decay=_WEIGHT_DECAY
        )
        self.history: dict[str, list[float]] = {}
        self._best = -1.0
        self._check_batches()

    def train(self, validate: Validate, keep_best: Callable[[], None], progress: Progress) -> None:
        """Learn from the last whole epoch to the end; `keep_best` is called after each epoch better than all before.

        Raises:
            Broken: the loss is no number any more.
        """
        done, steps = self._resume(), self._steps
        # After the weights are there: it sends those of the first process to all.
        self._joined = self._share.joined(self._model)
        progress.start("training the detector", self._schedule.epochs * steps)
        if done:
            progress.advance(done * steps, note=f"resumed after epoch {done}")
        for epoch in range(done, self._schedule.epochs):
            losses = self._epoch(epoch, progress)
            if self._share.leads:
                self._conclude(epoch + 1, losses, *validate(), keep_best)
            # What the others do next would wait for the first one in any case, and a loss now would cost this epoch.
            self._share.wait()
        progress.done()

    def _conclude(
        self,
        epoch: int,
        losses: dict[str, float],
        map50: float,
        map50_95: float,
        keep_best: Callable[[], None],
    ) -> None:
        """Keep what an epoch came to."""
        self._note({"epoch": epoch, **losses, "metrics/mAP50(B)": map50, "metrics/mAP50-95(B)": map50_95})
        if map50_95 > self._best:
            self._best = map50_95
            keep_best()
        self._save(epoch)

    @property
    def _steps(self) -> int:
        """Batches in an epoch."""
        return len(self._batches(0))

    def _batches(self, epoch: int) -> list[np.typing.NDArray[np.int64]]:
        return batches(len(self._images), self._schedule.batch, self._rng(epoch), self._batch_min)

    @property
    def _batch_min(self) -> int:
        return BATCH_MIN * self._share.size

    def _rng(self, *of: int) -> np.random.Generator:
        return np.random.default_rng([self._schedule.seed, *of])

    def _epoch(self, epoch: int, progress: Progress) -> dict[str, float]:
        """One pass over the images; the mean of each loss."""
        self._model.train()
        parts = self._batches(epoch)
        sums = dict.fromkeys(_LOSSES.values(), 0.0)
        for step, part in enumerate(parts):
            self._set_rate(epoch * len(parts) + step)
            found = self._step(epoch, self._share.of(part))
            for name, value in found.items():
                sums[_LOSSES[name]] += value / len(parts)
            note = f"epoch {epoch + 1} of {self._schedule.epochs}, loss {sum(found.values()):.3f}"
            note += words(self._pieces.count)
            progress.advance(1, note=note)
        return self._share.mean(sums)

    def _step(self, epoch: int, part: Sequence[int]) -> dict[str, float]:
        losses = self._gradients(epoch, part)
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), _GRADIENT_MAX)
        self._optimiser.step()
        return losses

    def _gradients(self, epoch: int, part: Sequence[int]) -> dict[str, float]:
        """Gather the gradients of some images, in as many pieces as the memory wants; the mean of each loss.

        Raises:
            torch.OutOfMemoryError: in a group, whose others wait in the middle of this step: all start anew.
        """
        while True:
            try:
                return self._gathered(epoch, self._pieces.of(part), len(part))
            except torch.OutOfMemoryError:
                self._pieces.halve(len(part))
                if self._share.size > 1:
                    raise
                torch.cuda.empty_cache()

    def _gathered(self, epoch: int, pieces: Sequence[Sequence[int]], images: int) -> dict[str, float]:
        self._optimiser.zero_grad()
        sums: dict[str, float] = {}
        for number, piece in enumerate(pieces, start=1):
            with self._share.apart(self._joined, until=number == len(pieces)):
                losses = self._losses(epoch, piece)
                weight = len(piece) / images
                total = weight * torch.stack(list(losses.values())).sum()
                _check_finite(float(total.detach()), self._schedule)
                total.backward()
            sums = {
                name: sums.get(name, 0.0) + weight * float(value.detach()) for name, value in losses.items()
            }
        return sums

    def _losses(self, epoch: int, part: Sequence[int]) -> dict[str, torch.Tensor]:
        """Of some images; on a GPU the network computes in bfloat16, and its weights stay float32."""
        images, rngs = [self._images[index] for index in part], [self._rng(epoch, index) for index in part]
        pixels, targets = load_batch(
            images, self._preprocessor, self._first_label, rngs, {**TORCHVISION, **self._schedule.extra}
        )
        device = self._share.device
        there = [{name: value.to(device) for name, value in target.items()} for target in targets]
        with torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=self._share.on_gpu):
            return loss(self._joined, pixels.to(device), there)

    def _set_rate(self, step: int) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self._schedule.learning_rate * rate(step, self._steps * self._schedule.epochs)

    def _note(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)

    def _resume(self) -> int:
        """Go on from the last whole epoch; how many there are."""
        if not self._last.exists():
            return 0
        state = torch.load(self._last, map_location=self._share.device, weights_only=True)
        self._model.load_state_dict(state["weights"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.history, self._best = state["history"], state["best"]
        return int(state["epoch"])

    def _save(self, epoch: int) -> None:
        state = {
            "epoch": epoch,
            "weights": self._model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "history": self.history,
            "best": self._best,
        }
        # First, so that it is never behind: what goes on from the weights brings its own.
        write_json(self._history, self.history)
        with whole_file(self._last) as temporary:
            torch.save(state, temporary)

    def _check_batches(self) -> None:
        if self._schedule.batch >= self._batch_min and self._steps:
            return
        each = f" for each of {self._share.size} workers" if self._share.size > 1 else ""
        raise BadInput(
            where="models.detector.batch",
            got=f"batches of {self._schedule.batch} from {len(self._images)} images",
            wanted=f"at least {BATCH_MIN} images in a batch{each}, over which networks of torchvision take means",
            next_step="take larger batches, or collect more images",
        )


def _quicken(model: Model) -> None:
    """Let the network compute with channels last, and its means follow a training of some hundred steps."""
    # Twice as fast on a CPU.
    model.to(memory_format=torch.channels_last)
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = _MOMENTUM


def rate(step: int, steps: int) -> float:
    """Share of the learning rate at a step: a warm-up, then a cosine down to 0.05."""
    warm_up = min(_WARM_UP_STEPS, max(1, steps // 10))
    falling = _RATE_AT_END + (1 - _RATE_AT_END) * (1 + math.cos(math.pi * step / steps)) / 2
    return min(1.0, (step + 1) / warm_up) * falling


def _check_finite(total: float, schedule: Schedule) -> None:
    if not math.isfinite(total):
        raise Broken(
            where="training the detector",
            got=f"a loss of {total}",
            wanted="a number",
            next_step=f"lower models.detector.learning_rate, which is {schedule.learning_rate:g}",
        )
