"""Detectors of torchvision, under a permissive licence: SSDLite on MobileNetV3 and RetinaNet on ResNet-50.

torchvision is imported when it is needed, because it takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_file, whole_file
from trunnion_contract.progress import Progress, Silent
from trunnion_contract.usecase import TORCHVISION, DetectorTraining, UseCase
from trunnion_edge.preprocess import Preprocessor
from trunnion_training.cluster.share import ALONE, Share
from trunnion_training.cluster.together import learn_together
from trunnion_training.vision import augmentation, torchvision_checkpoint
from trunnion_training.vision.augmentation import chosen
from trunnion_training.vision.evaluate import evaluate
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
from trunnion_training.vision.torch_engine import TorchEngine

if TYPE_CHECKING:
    from torch import Tensor

    from trunnion_training.vision.torchvision_network import Architecture, Model

BEST = "best.pt"


class Torchvision:
    """See `trunnion_training.vision.family.Family`."""

    licence = "BSD-3-Clause (torchvision)"
    packages = ("torchvision",)

    def train(
        self, usecase: UseCase, dataset_dir: Path, work_dir: Path, checkpoint: Path, progress: Progress
    ) -> History:
        """Train with a loop of our own."""
        settings = detector_settings(usecase)
        _check_settings(settings, DetectorForm.of(usecase))
        begin(work_dir, _beginning(usecase), dataset_dir, _schedule(usecase))
        if settings.workers.one_process:
            _learn(usecase, dataset_dir, work_dir, progress, ALONE)
        else:
            _start(usecase)  # says here, and not in each worker, what is wrong with it
            learn = partial(_learn, usecase, dataset_dir, work_dir, Silent())
            learn_together(
                learn, settings.workers, work_dir, partial(standing, work_dir), settings.epochs, progress
            )
        with whole_file(checkpoint) as temporary:
            temporary.write_bytes((work_dir / BEST).read_bytes())
        return history(work_dir)

    def augmentation(self, usecase: UseCase) -> Mapping[str, float]:
        """What is done to images while it learns."""
        return chosen(usecase, augmentation.TORCHVISION)

    def augmented(self, usecase: UseCase, images: Sequence[Path], seed: int) -> list[Changed]:
        """What our own loop makes of images."""
        from trunnion_training.vision.torchvision_images import examples_of

        preprocessor = Preprocessor(detector_settings(usecase).image_size_px)
        rngs = [np.random.default_rng([seed, place]) for place in range(len(images))]
        examples = examples_of(images, preprocessor, rngs, self.augmentation(usecase))
        return [(_picture(pixels), boxes) for pixels, boxes in examples]

    def adopt(self, usecase: UseCase, checkpoint: Path) -> None:
        """Write the base again, which holds nothing but weights, architecture and labels."""
        settings = detector_settings(usecase)
        base = usecase.beside(settings.base)
        check_classes(torchvision_checkpoint.read(base).labels, usecase, settings.base)
        with whole_file(checkpoint) as temporary:
            temporary.write_bytes(base.read_bytes())

    def load(self, checkpoint: Path, form: DetectorForm, *, merged: bool = False) -> Trained:
        """Load a checkpoint; the exporter itself merges normalisations, and there are no branches."""
        from trunnion_training.vision.torchvision_network import build, exportable

        _check_suppression(form)
        content = torchvision_checkpoint.read(checkpoint)
        architecture = _architecture(content.architecture, str(checkpoint))
        model = build(architecture, len(form.labels), form.image_size_px)
        torchvision_checkpoint.restore(model, content, checkpoint)
        return exportable(model, architecture, form)


def _picture(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray((pixels[::-1].transpose(1, 2, 0) * 255).round().astype(np.uint8))


def _learn(usecase: UseCase, dataset_dir: Path, work_dir: Path, progress: Progress, share: Share) -> None:
    """Learn one process's share, from the last whole epoch in the folder to the end."""
    from trunnion_training.vision.torchvision_training import TrainingRun

    form, (model, architecture) = DetectorForm.of(usecase), _start(usecase)
    schedule = _schedule(usecase)
    TrainingRun(model, architecture, dataset_dir, work_dir, schedule, share).train(
        partial(_validate, model, architecture, form, dataset_dir),
        partial(torchvision_checkpoint.write, model, architecture.name, usecase.classes, work_dir / BEST),
        progress,
    )


def _start(usecase: UseCase) -> tuple[Model, Architecture]:
    """The network that training starts from."""
    import torch

    from trunnion_training.vision.torchvision_network import build

    settings = detector_settings(usecase)
    name, weights, file = _base(settings, usecase)
    architecture = _architecture(name, f"{usecase.name}: models.detector.base")
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(settings.seed)
        model = build(architecture, len(usecase.classes), settings.image_size_px)
    if weights:
        torchvision_checkpoint.start_from(model, weights, file)
    return model, architecture


def _base(settings: DetectorTraining, usecase: UseCase) -> tuple[str, Mapping[str, Tensor], Path]:
    """Name of the architecture, weights to start from (none for random ones), and the file that they are in."""
    if not settings.base.startswith(TORCHVISION):
        file = usecase.beside(settings.base)
        content = torchvision_checkpoint.read(file)
        return content.architecture, content.weights, file
    file = usecase.beside(settings.weights or "")
    weights = torchvision_checkpoint.read_weights(file) if settings.weights else {}
    return settings.base.removeprefix(TORCHVISION), weights, file


def _architecture(name: str, where: str) -> Architecture:
    from trunnion_training.vision.torchvision_network import ARCHITECTURES

    if name not in ARCHITECTURES:
        raise BadInput(
            where=where,
            got=f"the architecture {name}",
            wanted=" or ".join(ARCHITECTURES),
            next_step=f"write {TORCHVISION} and one of these names",
        )
    return ARCHITECTURES[name]


def _beginning(usecase: UseCase) -> str:
    """What tells one starting point from another."""
    settings = detector_settings(usecase)
    files = [usecase.beside(path) for path in (settings.base, settings.weights) if path]
    return " ".join([settings.base, *(digest_file(file) for file in files if file.is_file())])


def _schedule(usecase: UseCase) -> Schedule:
    settings = detector_settings(usecase)
    return Schedule(
        epochs=settings.epochs,
        batch=settings.batch,
        image_size_px=settings.image_size_px,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        extra=chosen(usecase, augmentation.TORCHVISION),
    )


def _validate(
    model: Model, architecture: Architecture, form: DetectorForm, dataset_dir: Path
) -> tuple[float, float]:
    """mAP50 and mAP50-95 on the validation split; the bar of the training stays where it is."""
    from trunnion_training.vision.torchvision_network import exportable

    now = exportable(model, architecture, form)
    found = evaluate(TorchEngine(now), now.spec, dataset_dir, "val", Silent())
    return found.map50, found.map50_95


def _check_settings(settings: DetectorTraining, form: DetectorForm) -> None:
    _check_suppression(form)
    if settings.frozen_layers:
        raise BadInput(
            where="models.detector.frozen_layers",
            got=str(settings.frozen_layers),
            wanted="0: layers are not counted in networks of torchvision",
            next_step="take it out",
        )


def _check_suppression(form: DetectorForm) -> None:
    if form.suppression == "graph":
        raise BadInput(
            where="export.suppression",
            got="graph",
            wanted="robot: networks of torchvision are exported without suppression",
            next_step="take it out",
        )
