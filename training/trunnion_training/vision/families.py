"""Which family a detector is of: said by the base of the use case before training, by the checkpoint afterwards."""

from __future__ import annotations

from pathlib import Path

from trunnion_contract.usecase import TORCHVISION, UseCase
from trunnion_training.vision import torchvision_checkpoint
from trunnion_training.vision.family import Family, detector_settings
from trunnion_training.vision.torchvision_family import Torchvision
from trunnion_training.vision.ultralytics_family import Ultralytics


def family_of(usecase: UseCase) -> Family:
    """The family that the base of the use case's detector is of; what cannot be told is left to ultralytics."""
    base = detector_settings(usecase).base
    if base.startswith(TORCHVISION):
        return Torchvision()
    return family_of_checkpoint(usecase.beside(base))


def family_of_checkpoint(path: Path) -> Family:
    """The family of a checkpoint file."""
    return Torchvision() if torchvision_checkpoint.is_one(path) else Ultralytics()
