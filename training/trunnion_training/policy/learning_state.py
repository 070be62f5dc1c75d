"""Where the fitting of a policy stands: all that its next epoch depends on, kept in a folder after each whole one."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import torch

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_file, write_json, write_text
from trunnion_contract.strict import Strict, read_json
from trunnion_training.cluster.share import ALONE, Share
from trunnion_training.policy.course import Course, EarlyStopping, LearntPolicy

_STATE, _STANDING, _MARKER = "epoch.pt", "standing.json", "identity.sha256"
Curves = dict[str, dict[str, list[float]]]


class _Standing(Strict):
    """What a person is told of it."""

    epochs_done: int
    validation_loss: float


class LearningState:
    """A network that learns, with what makes its next step, and how far it is.

    In a group of processes the first one looks, measures and keeps; all of them go on from what it kept.

    Attributes:
        curves: one value for each epoch, under the names of a panel and a curve.
        epochs_done: whole ones.
    """

    def __init__(
        self,
        network: LearntPolicy,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        generator: torch.Generator,
        folder: Path | None,
        early: EarlyStopping | None = None,
        share: Share = ALONE,
    ) -> None:
        self._network, self._optimiser, self._schedule = network, optimiser, schedule
        self._generator, self._folder, self._early, self._share = generator, folder, early, share
        self.curves: Curves = {}
        self.epochs_done = 0

    @property
    def enough(self) -> bool:
        """Whether the best policy passes already, as the first process of a group says it to all."""
        found = self._share.mean({"enough": float(bool(self._early and self._early.enough))})
        return found["enough"] > 0

    def conclude(self, epochs: int, values: dict[str, dict[str, float]]) -> None:
        """An epoch of `epochs` is whole: note what it came to, look at the policy where that is asked for, keep all."""
        self.epochs_done += 1
        if self._share.leads:
            for panel, curves in values.items():
                for name, value in curves.items():
                    self.curves.setdefault(panel, {}).setdefault(name, []).append(value)
            if self._early:
                self._early.look(self.epochs_done, epochs, self._on_cpu())
            if self._folder:
                self._save(self._folder)
        # A loss now would cost this epoch.
        self._share.wait()

    def end(self) -> None:
        """Leave the best weights where somebody looked, and the last ones elsewhere."""
        if self._early:
            self._network.load_state_dict(self._early.course.best)
        self._network.eval()

    def resume(self) -> None:
        """Take up what a stopped run left."""
        if self._folder is None or not (file := self._folder / _STATE).exists():
            return
        content = torch.load(file, map_location="cpu", weights_only=True)
        self._network.load_state_dict(content["network"])
        self._optimiser.load_state_dict(content["optimiser"])
        self._schedule.load_state_dict(content["schedule"])
        self._generator.set_state(content["generator"])
        self.curves, self.epochs_done = content["curves"], content["epochs_done"]
        if self._early:
            self._early.course = Course.of(content["course"])

    def _save(self, folder: Path) -> None:
        content: dict[str, Any] = {
            "epochs_done": self.epochs_done,
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "generator": self._generator.get_state(),
            "curves": self.curves,
            "course": self._early.course.plain() if self._early else None,
        }
        with whole_file(folder / _STATE) as temporary, temporary.open("wb") as file:
            torch.save(content, file)
        now = _Standing(epochs_done=self.epochs_done, validation_loss=self.curves["loss"]["validation"][-1])
        write_json(folder / _STANDING, now.model_dump())

    def _on_cpu(self) -> LearntPolicy:
        """The robot's own code plays it, from the memory of the CPU."""
        return copy.deepcopy(self._network).cpu() if self._share.on_gpu else self._network


def begun(folder: Path, identity: str) -> Path:
    """The folder, ready to be filled or gone on in; what something else left there goes."""
    marker = folder / _MARKER
    if not marker.exists() or marker.read_text() != identity:
        shutil.rmtree(folder, ignore_errors=True)
        write_text(marker, identity)
    return folder


def standing(folder: Path) -> tuple[int, str]:
    """How many whole epochs there are, and words about the last one."""
    if not (file := folder / _STANDING).exists():
        return 0, ""
    now = read_json(_Standing, file)
    return now.epochs_done, f", validation loss {now.validation_loss:.4f}"


def require_shares(rows: int, batch: int, workers: int) -> None:
    """Refuse batches of which some worker would have nothing.

    Raises:
        BadInput: a batch has fewer rows than there are workers.
    """
    if min(rows, batch) < workers:
        raise BadInput(
            where="models.policy.batch",
            got=f"batches of {min(rows, batch)} steps from {rows}",
            wanted=f"one step or more for each of {workers} workers",
            next_step="take larger batches, more demonstrations or fewer workers",
        )
