"""What training and export ask of a family of detectors, so that neither knows which one it has before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_contract.tensor import Dimension, TensorSpec
from trunnion_contract.usecase import DetectorTraining, Suppression, UseCase
from trunnion_edge.accuracy import TrueBoxes

if TYPE_CHECKING:
    import torch

# Names of what every detector takes and gives; they are ultralytics' own.
INPUT, OUTPUT, PROTOTYPES = "images", "output0", "output1"
_FREE = "N"

# Name → value after each epoch: `epoch`, `…_loss`, `metrics/mAP50(B)`, `metrics/mAP50-95(B)`.
History = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class DetectorForm:
    """What a use case wants a detector to look like, whatever family it is of."""

    image_size_px: int
    labels: tuple[str, ...]
    confidence_threshold: float
    suppression: Suppression = "robot"
    batch_max: int = 1

    @classmethod
    def of(cls, usecase: UseCase) -> DetectorForm:
        """The form that a use case with a detector asks for."""
        settings = detector_settings(usecase)
        return cls(
            image_size_px=settings.image_size_px,
            labels=usecase.classes,
            confidence_threshold=settings.confidence_threshold,
            suppression=usecase.export.suppression,
            batch_max=usecase.export.batch_max,
        )

    @property
    def input(self) -> TensorSpec:
        """float32 [1, 3, S, S], or [N, 3, S, S] for several images at once."""
        return self.tensor(INPUT, (3, self.image_size_px, self.image_size_px))

    def tensor(self, name: str, shape: tuple[Dimension, ...]) -> TensorSpec:
        """A tensor with this `shape` for each image."""
        batch: Dimension = 1 if self.batch_max == 1 else _FREE
        return TensorSpec(name=name, dtype="float32", shape=(batch, *shape))


@dataclass(frozen=True)
class Trained:
    """A trained network in torch, and what it takes and gives.

    Attributes:
        network: takes the input of `spec` and gives its outputs: one tensor, or a tuple of them in their order.
    """

    network: torch.nn.Module
    spec: DetectorSpec


# An image as it is learnt from, uint8 [S, S, 3] BGR, and what is in it, in its pixels.
Changed = tuple[NDArray[np.uint8], TrueBoxes]


class Family(Protocol):
    """Detectors that are trained and exported alike.

    Attributes:
        licence: that of the networks which it defines and trains.
        packages: those that make them, for the manifest.
    """

    licence: str
    packages: tuple[str, ...]

    def train(
        self, usecase: UseCase, dataset_dir: Path, work_dir: Path, checkpoint: Path, progress: Progress
    ) -> History:
        """Train from the base of the use case and write the best checkpoint.

        `work_dir` keeps what the same call needs to go on after the last whole epoch.

        Raises:
            BadInput: the base is missing, or cannot be trained.
        """

    def augmentation(self, usecase: UseCase) -> Mapping[str, float]:
        """What is done to images at random while it learns, as `trunnion_contract.augmentation` names it.

        Raises:
            BadInput: the use case asks for something that the family does not do.
        """

    def augmented(self, usecase: UseCase, images: Sequence[Path], seed: int) -> list[Changed]:
        """Each image file of a dataset's split, changed at random by the code that training itself uses."""

    def adopt(self, usecase: UseCase, checkpoint: Path) -> None:
        """Write the base of the use case, as it is, without what is only needed to train.

        Raises:
            BadInput: the base is missing or damaged, or knows other classes than the use case.
        """

    def load(self, checkpoint: Path, form: DetectorForm, *, merged: bool = False) -> Trained:
        """Load a checkpoint in evaluation mode, on the CPU.

        Args:
            merged: with branches and normalisations merged into the convolutions before them, for an export.

        Raises:
            BadInput: it is damaged, or does not do what the form asks for.
        """


def detector_settings(usecase: UseCase) -> DetectorTraining:
    """How the use case wants its detector trained.

    Raises:
        BadInput: there is no detector in it.
    """
    if usecase.models.detector is None:
        raise BadInput(
            where=f"{usecase.name}: models", got="no detector", wanted="one", next_step="add models.detector"
        )
    return usecase.models.detector


def check_classes(known: Sequence[str], usecase: UseCase, where: str) -> None:
    """Refuse a checkpoint that is taken as it is, and knows other classes or has them in another order.

    Names are compared as a use case writes them: `traffic light` is `traffic_light`.

    Raises:
        BadInput: names both.
    """
    names = tuple(re.sub(r"\W+", "_", name.strip().lower()) for name in known)
    if names != usecase.classes:
        raise BadInput(
            where=f"{usecase.name}: classes",
            got=", ".join(usecase.classes),
            wanted=f"{', '.join(names)}, as {where} knows them, because epochs: 0 takes it as it is",
            next_step="write its classes into the use case in this order, or train for at least one epoch",
        )
