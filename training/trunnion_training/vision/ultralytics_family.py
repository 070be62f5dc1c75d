"""Detectors of ultralytics: trained to find boxes; checkpoints for masks or keypoints are taken as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress, Silent
from trunnion_contract.usecase import UseCase
from trunnion_training.cluster.together import learn_together
from trunnion_training.vision import augmentation
from trunnion_training.vision.augmentation import chosen
from trunnion_training.vision.checkpoint import load_model, strip
from trunnion_training.vision.family import (
    Changed,
    DetectorForm,
    History,
    Trained,
    check_classes,
    detector_settings,
)
from trunnion_training.vision.pieces import standing
from trunnion_training.vision.schedule import Schedule, begin, history
from trunnion_training.vision.training_run import BEST, learn, train
from trunnion_training.vision.ultralytics_images import changed_images
from trunnion_training.vision.ultralytics_network import exportable
from trunnion_training.vision.ultralytics_setup import load_ultralytics

_DETECTION_HEADS = ("Detect", "v10Detect")
# A warm-up that ends within the first epoch.
_OPTIMISER = {
    "optimizer": "AdamW",
    "momentum": 0.9,
    "cos_lr": True,
    "lrf": 0.05,
    "warmup_epochs": 0.3,
    "warmup_bias_lr": 0.0,
}
# Our names of its augmentations, and its own.
_ITS_NAMES = {
    "mirrored": "fliplr",
    "hue": "hsv_h",
    "saturation": "hsv_s",
    "brightness": "hsv_v",
    "scale": "scale",
    "translate": "translate",
    "rotate_max_deg": "degrees",
    "mosaic": "mosaic",
}


class Ultralytics:
    """See `trunnion_training.vision.family.Family`."""

    licence = "AGPL-3.0 (ultralytics)"
    packages = ("ultralytics",)

    def train(
        self, usecase: UseCase, dataset_dir: Path, work_dir: Path, checkpoint: Path, progress: Progress
    ) -> History:
        """Train with ultralytics' own trainer."""
        settings = detector_settings(usecase)
        start = starting_point(usecase)
        data_yaml, schedule = dataset_dir / "data.yaml", _schedule(usecase)
        if settings.workers.one_process:
            train(start, data_yaml, work_dir, schedule, progress)
        else:
            begin(work_dir, start, dataset_dir, schedule)
            share = partial(learn, start, data_yaml, work_dir, schedule, Silent())
            learn_together(
                share, settings.workers, work_dir, partial(standing, work_dir), settings.epochs, progress
            )
        strip(work_dir / BEST, checkpoint, settings.image_size_px)
        return history(work_dir)

    def augmentation(self, usecase: UseCase) -> Mapping[str, float]:
        """What is done to images while it learns."""
        return chosen(usecase, augmentation.ULTRALYTICS)

    def augmented(self, usecase: UseCase, images: Sequence[Path], seed: int) -> list[Changed]:
        """What its own loader makes of images."""
        return changed_images(images, usecase.classes, _schedule(usecase), seed)

    def adopt(self, usecase: UseCase, checkpoint: Path) -> None:
        """Write the base without optimiser, paths and times."""
        settings = detector_settings(usecase)
        base = usecase.beside(settings.base)
        if not base.is_file():
            raise _no_base(usecase)
        model = load_model(base)
        check_classes(list(model.names.values()), usecase, settings.base)
        strip(base, checkpoint, settings.image_size_px)

    def load(self, checkpoint: Path, form: DetectorForm, *, merged: bool = False) -> Trained:
        """Load a checkpoint of any task that finds boxes."""
        return exportable(load_model(checkpoint), form, merged=merged)


def starting_point(usecase: UseCase) -> Path | str:
    """The checkpoint that training starts from: a file beside the use case, or an architecture of ultralytics.

    Nothing is downloaded. An architecture (`yolo26n.yaml`) starts from random weights.

    Raises:
        BadInput: there is no such file, or it finds more than boxes, which are all that a dataset holds.
    """
    base = detector_settings(usecase).base
    path = usecase.beside(base)
    if path.is_file():
        _check_finds_boxes_only(load_model(path).task == "detect", usecase)
        return path
    head = _head_of(base) if base.endswith((".yaml", ".yml")) and "/" not in base else None
    if head is None:
        raise _no_base(usecase)
    _check_finds_boxes_only(head in _DETECTION_HEADS, usecase)
    return base


def _check_finds_boxes_only(does: bool, usecase: UseCase) -> None:
    if not does:
        raise BadInput(
            where=f"{usecase.name}: models.detector.base",
            got=f"{detector_settings(usecase).base}, which finds more than boxes",
            wanted="a detection network, because a dataset holds boxes and neither masks nor keypoints",
            next_step="train it with ultralytics itself, and take the checkpoint as it is with epochs: 0",
        )


def _no_base(usecase: UseCase) -> BadInput:
    return BadInput(
        where=f"{usecase.name}: models.detector.base",
        got=f"{detector_settings(usecase).base}, which does not exist",
        wanted="an ultralytics checkpoint (*.pt; relative paths start at the use case's own folder)",
        next_step="make one with trunnion train base, or put one there; nothing is downloaded",
    )


def _schedule(usecase: UseCase) -> Schedule:
    settings = detector_settings(usecase)
    changes = {_ITS_NAMES[name]: value for name, value in chosen(usecase, augmentation.ULTRALYTICS).items()}
    return Schedule(
        epochs=settings.epochs,
        batch=settings.batch,
        image_size_px=settings.image_size_px,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        frozen_layers=settings.frozen_layers,
        extra={**_OPTIMISER, **changes, "close_mosaic": 0, "patience": settings.epochs + 1},
    )


def _head_of(architecture: str) -> str | None:
    """The name of the last layer of an architecture that ultralytics ships; None where it ships none of that name."""
    load_ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    try:
        return str(yaml_model_load(architecture)["head"][-1][2])
    except (OSError, ValueError, KeyError):
        return None
