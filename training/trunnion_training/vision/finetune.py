"""Fine-tuning: from a base to a detector of the use case's own classes, whatever family it is of."""

from __future__ import annotations

import shutil
from pathlib import Path

from trunnion_contract.files import write_json, write_text
from trunnion_contract.manifest import LEARNING_CURVES
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_training.curves import draw_curves
from trunnion_training.quality.augmentation_page import augmentation_page
from trunnion_training.vision.evaluate import evaluate
from trunnion_training.vision.families import family_of
from trunnion_training.vision.family import DetectorForm, History, detector_settings
from trunnion_training.vision.schedule import HISTORY
from trunnion_training.vision.torch_engine import TorchEngine

CHECKPOINT, METRICS, CURVES = "detector.pt", "detector_metrics.json", LEARNING_CURVES["detector"]
AUGMENTATION = "augmentation.html"
_WORK = ".detector"


def fine_tune(usecase: UseCase, dataset_dir: Path, out_dir: Path, progress: Progress) -> Path:
    """Train the use case's detector; write checkpoint, metrics, curves and what is learnt from; give the checkpoint.

    Stopped at any moment, the same call goes on after the last whole epoch. With no epochs at all the base is taken as
    it is, and there are no curves.

    Raises:
        BadInput: there is no detector to train, or its base is missing or unusable.
    """
    settings, family = detector_settings(usecase), family_of(usecase)
    checkpoint = out_dir / CHECKPOINT
    history: History = {}
    if settings.epochs:
        write_text(out_dir / AUGMENTATION, augmentation_page(usecase, dataset_dir, family))
        history = family.train(usecase, dataset_dir, out_dir / _WORK, checkpoint, progress)
        draw_curves(_panels(history), out_dir / CURVES)
    else:
        family.adopt(usecase, checkpoint)
    trained = family.load(checkpoint, DetectorForm.of(usecase))
    test = evaluate(TorchEngine(trained), trained.spec, dataset_dir, "test", progress)
    metrics = {"base": settings.base, "epochs": settings.epochs, "test": test.model_dump(mode="json")}
    write_json(out_dir / METRICS, metrics | {"history": dict(history)})
    shutil.rmtree(out_dir / _WORK, ignore_errors=True)
    return checkpoint


def history_file(out_dir: Path) -> Path:
    """Where a training that is not at its end yet writes what each finished epoch came to."""
    return out_dir / _WORK / HISTORY


def _panels(history: History) -> dict[str, History]:
    losses = {name: values for name, values in history.items() if name.endswith("_loss")}
    accuracy = {
        "mAP50": history.get("metrics/mAP50(B)", []),
        "mAP50-95": history.get("metrics/mAP50-95(B)", []),
    }
    return {"loss": losses, "accuracy on the validation split": accuracy}
